# SPDX-License-Identifier: MIT
# random.bin as a whole and in pieces, and the sum of numbers
use Digest::SHA;
my $d = shift;
open(my $f, "<:raw", "$d/random.bin") or die; local $/ = undef; my $all = <$f>;
sysopen(my $g, "$d/random.bin", 0) or die; my $sha = Digest::SHA->new(256);
while (sysread($g, my $buf, 7919)) { $sha->add($buf) }
$/ = "\n"; open(my $n, "<", "$d/numbers") or die; my $t = 0; $t += $_ while <$n>;
print Digest::SHA::sha256_hex($all), " ", $sha->hexdigest, " $t\n"
