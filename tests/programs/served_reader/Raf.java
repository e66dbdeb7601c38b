// SPDX-License-Identifier: MIT
// Java reads a file that it has opened for writing, too.
public class Raf {
	public static void main(String[] a) throws Exception {
		try (java.io.RandomAccessFile f = new java.io.RandomAccessFile(a[0], "rw")) {
			byte[] b = new byte[65536];
			long n = 0, sum = 0;
			for (int k; (k = f.read(b)) > 0; n += k)
				sum += b[0];
			System.out.println(n + " " + sum);
		}
	}
}
