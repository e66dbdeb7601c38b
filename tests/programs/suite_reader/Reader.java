/* SPDX-License-Identifier: MIT */
/* random.bin as a whole, and by a mapping and a channel; and the sum of numbers */
import java.io.*;
import java.nio.*;
import java.nio.channels.*;
import java.nio.file.*;
import java.security.*;

public class Reader {
	static String hex(byte[] b) {
		StringBuilder s = new StringBuilder();
		for (byte x : b)
			s.append(String.format("%02x", x));
		return s.toString();
	}
	public static void main(String[] a) throws Exception {
		Path p = Paths.get(a[0], "random.bin");
		MessageDigest one = MessageDigest.getInstance("SHA-256");
		MessageDigest two = MessageDigest.getInstance("SHA-256");
		one.update(Files.readAllBytes(p));
		try (FileChannel c = FileChannel.open(p)) {
			long half = c.size() / 2;
			two.update(c.map(FileChannel.MapMode.READ_ONLY, 0, half));
			ByteBuffer b = ByteBuffer.allocateDirect(5003);
			for (long at = half; c.read(b, at) > 0; b.clear()) {
				at += b.position();
				b.flip();
				two.update(b);
			}
		}
		long total = 0;
		try (BufferedReader r = new BufferedReader(new FileReader(a[0] + "/numbers"))) {
			for (String s; (s = r.readLine()) != null;)
				total += Long.parseLong(s);
		}
		System.out.println(hex(one.digest()) + " " + hex(two.digest()) + " " + total);
	}
}
