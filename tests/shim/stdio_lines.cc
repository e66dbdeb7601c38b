/* SPDX-License-Identifier: MIT */
/* Lines and positions by std::ifstream: stdio_lines FILE */
#include <fstream>
#include <iostream>
#include <string>
int main(int argc, char **argv)
{
	std::ifstream f(argv[1]);
	std::string line;
	unsigned long sum = 0, lines = 0;
	while (std::getline(f, line)) {
		sum = sum * 31 + line.size() + (line.empty() ? 0 : line[line.size() / 2]);
		if (++lines % 1000 == 0)
			f.seekg(17, std::ios::cur);
	}
	f.clear();
	f.seekg(-100, std::ios::end);
	char tail[100];
	f.read(tail, sizeof(tail));
	std::cout << sum << ' ' << lines << ' ' << f.gcount() << ' ' << tail[50] << '\n';
}
