/**
 * Load that is bounded in count and time, between the bench's own namespaces. In Perl: its system calls cost so little that the
 * kernel's path is most of what is measured.
 *
 *   serve      8080 greets with its own address and closes · 8081 echoes on kept connections
 *   compare    direct and through the cluster IP in turns of an eighth of a second, so that both meet the same noise; each turn has a
 *              connection and a server process of its own, as on which core they land moves the figure more than the path does
 *   connect    how long a new connection takes
 *   constant   kept and new connections until told to stop, every failure counted but the call that being told breaks off
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { quantile } from '../support/report.ts';
import { serverAddresses } from './network.ts';
import type { Network } from './network.ts';

const run = promisify(execFile);

const common = `
use strict; use Socket; use Time::HiRes qw(time sleep);
sub dial { my ($h, $p) = @_; socket(my $s, AF_INET, SOCK_STREAM, 0) or return;
  setsockopt($s, SOL_SOCKET, SO_LINGER, pack("ii", 1, 0)); setsockopt($s, SOL_SOCKET, SO_RCVTIMEO, pack("qq", 1, 0));
  setsockopt($s, SOL_SOCKET, SO_SNDTIMEO, pack("qq", 1, 0)); setsockopt($s, 6, 1, 1);
  connect($s, pack_sockaddr_in($p, inet_aton($h))) or return; return $s }
sub fresh { my $s = dial(@_) or return 0; my $n = sysread($s, my $b, 64); close $s; return $n }
sub kept { my $s = shift; syswrite($s, "x" x 64) or return 0; my $n = 0;
  while ($n < 64) { my $r = sysread($s, my $b, 64); return 0 unless $r; $n += $r } return 1 }
`;

const serve = `${common}
sub listener { my ($h, $p) = @_; socket(my $s, AF_INET, SOCK_STREAM, 0); setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1);
  bind($s, pack_sockaddr_in($p, inet_aton($h))) or die "bind: $!"; listen($s, 1024); return $s }
$SIG{CHLD} = "IGNORE"; $SIG{PIPE} = "IGNORE";
for my $h (@ARGV) {
  my ($greet, $echo) = (listener($h, 8080), listener($h, 8081));
  if (!fork) { while (1) { accept(my $c, $greet) or next; syswrite($c, $h); close $c } }
  if (!fork) { while (1) { accept(my $c, $echo) or next; next if fork; setsockopt($c, 6, 1, 1);
    while (sysread($c, my $b, 4096)) { syswrite($c, $b) } exit } }
}
$| = 1; print "ready\\n"; sleep 1000`;

const compare = `${common}
my ($kind, $rounds, @targets) = @ARGV; my @rates;
for my $round (1 .. $rounds) { for my $i ($round % 2 ? (0, 1) : (1, 0)) { my @t = split /:/, $targets[$i]; my $held = dial(@t);
  kept($held) or die "no echo from $targets[$i]" if $kind eq "kept"; my ($n, $began) = (0, time);
  while (time - $began < 0.125) { ($kind eq "kept" ? kept($held) : fresh(@t)) or die "failed at $targets[$i]"; $n++ }
  push @{$rates[$i]}, $n / (time - $began) } }
print join("\\n", map { join " ", @$_ } @rates), "\\n"`;

const connect = `${common}
my ($count, $h, $p) = @ARGV; my @t;
for (1 .. $count) { my $began = time; my $s = dial($h, $p) or die "no connection to $h:$p"; push @t, (time - $began) * 1e3; close $s; sleep 0.001 }
print join(" ", @t), "\\n"`;

const constant = `${common}
my ($h, $fp, $kh, $kp) = @ARGV; my ($fresh, $kept, $lost, $stop) = (0, 0, 0, 0);
$SIG{TERM} = sub { $stop = 1 }; my $s = dial($kh, $kp) or die "no connection"; $| = 1; print "ready\\n";
sub failed { $lost++ unless $stop }
while (!$stop) { fresh($h, $fp) ? $fresh++ : failed(); for (1 .. 5) { kept($s) ? $kept++ : failed() } sleep 0.001 }
print "$fresh $kept $lost\\n"`;

export async function startServers(network: Network): Promise<void> {
  // In a process namespace, so that what it forks ends with it.
  const isolated = ['unshare', '--pid', '--fork', '--kill-child'];
  const child = network.start(network.server, [...isolated, 'perl', '-e', serve, ...serverAddresses]);
  const [said] = (await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])) as [unknown];
  if (String(said) !== 'ready\n') throw new Error('no servers for the load: apt-get install perl');
}

/** Requests a second through both, medians, and the median of the quotients of neighbouring turns. */
export async function ratio(
  network: Network,
  kind: 'kept' | 'new',
  through: string,
  direct: string,
): Promise<{ readonly ratio: number; readonly through: number; readonly direct: number }> {
  const out = await inClient(network, [compare, kind, '40', through, direct]);
  const [one = [], other = []] = out.split('\n').map((line) => line.split(' ').map(Number));
  const quotients = one.map((rate, i) => rate / (other[i] ?? NaN));
  return { through: quantile(one, 0.5), direct: quantile(other, 0.5), ratio: quantile(quotients, 0.5) };
}

/** p50 and p99 of connecting, in ms. */
export async function connectMs(network: Network, address: string, port: number): Promise<readonly [number, number]> {
  const times = (await inClient(network, [connect, '500', address, String(port)])).split(' ').map(Number);
  return [quantile(times, 0.5), quantile(times, 0.99)];
}

export interface Constant {
  stop(): Promise<{ readonly fresh: number; readonly kept: number; readonly lost: number }>;
}

export async function startConstant(network: Network, fresh: string, kept: string): Promise<Constant> {
  const child = network.start(network.client, ['perl', '-e', constant, ...fresh.split(':'), ...kept.split(':')]);
  await once(child.stdout, 'data');
  return {
    async stop() {
      const said = once(child.stdout, 'data');
      child.kill('SIGTERM');
      const [freshCount = 0, keptCount = 0, lost = 0] = String((await said)[0])
        .split(' ')
        .map(Number);
      return { fresh: freshCount, kept: keptCount, lost };
    },
  };
}

async function inClient(network: Network, [script = '', ...args]: readonly string[]): Promise<string> {
  const command = [`--net=${network.client}`, '--', 'perl', '-e', script, ...args];
  return (await run('nsenter', command, { maxBuffer: 2 ** 24, timeout: 60_000 })).stdout.trimEnd();
}
