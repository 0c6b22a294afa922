/**
 * Pods that answer on TCP (as HTTP) and UDP with `NAME CLIENT-ADDRESS`, one per node where a test must know where it asks; and
 * the UDP client to go with them. Perl's base package is on every Debian, so the built-in image has it.
 */
import type { Cluster } from './cluster.ts';
import { asYaml } from './cluster.ts';

export interface AnsweringPod {
  readonly node: string;
  readonly labels?: string;
  /** Default 8080. */
  readonly port?: number;
  readonly portName?: string;
  /** More of the container: probes. YAML in flow style, with a comma before. */
  readonly container?: string;
  /** Goes on serving this long when it is deleted; default 0. */
  readonly graceSeconds?: number;
}

const server = `use IO::Socket::INET; use IO::Select; $| = 1; my ($name, $port) = @ARGV;
my $t = IO::Socket::INET->new(LocalPort => $port, Listen => 128, ReuseAddr => 1) or die $!;
my $u = IO::Socket::INET->new(LocalPort => $port, Proto => "udp") or die $!;
my $s = IO::Select->new($t, $u);
while (1) { for ($s->can_read) {
  if ($_ == $u) { $u->recv(my $in, 3000); $u->send($name . " " . $u->peerhost . " " . length($in)); next }
  my $c = $t->accept or next; sysread($c, my $in, 4096); my $out = $name . " " . $c->peerhost . "\\n";
  print $c "HTTP/1.0 200 OK\\r\\nContent-Type: text/plain\\r\\nContent-Length: " . length($out) . "\\r\\n\\r\\n" . $out; close $c } }`;

const client = `use IO::Socket::INET; my ($to, $port, $from) = @ARGV;
my $u = IO::Socket::INET->new(PeerAddr => $to, PeerPort => $port, LocalPort => $from, Proto => "udp") or die $!;
$u->send("?"); my $r = ""; vec($r, fileno($u), 1) = 1;
if (!select($r, undef, undef, 1)) { print "TIMEOUT"; exit }
my $in; print defined($u->recv($in, 3000)) ? $in : "REFUSED"`;

export function answeringPod(name: string, pod: AnsweringPod): string {
  const { node, labels = 'app: web', port = 8080, portName = 'http', container = '', graceSeconds = 0 } = pod;
  const command = JSON.stringify(['perl', '-e', server, name, String(port)]);
  return `
apiVersion: v1
kind: Pod
metadata: { name: ${name}, labels: { ${labels} } }
spec:
  nodeName: ${node}
  terminationGracePeriodSeconds: ${String(graceSeconds)}
  containers: [{ name: web, image: portolan.local/host, command: ${command}, ports: [{ name: ${portName}, containerPort: ${String(port)} }]${container} }]
`;
}

/** Applies pods and waits until they are Ready, those that may be. */
export async function startPods(
  cluster: Cluster,
  ns: string,
  pods: readonly string[],
  names: readonly string[],
): Promise<void> {
  await cluster.kubectl(['apply', '-n', ns, '-f', '-'], { input: asYaml(pods.join('---')) });
  if (names.length === 0) return;
  const wanted = names.map((name) => `pod/${name}`);
  await cluster.kubectl(['wait', '-n', ns, '--for=condition=Ready', '--timeout=60s', ...wanted]);
}

/** One datagram from a source port of one's own: the answer, REFUSED or TIMEOUT. */
export async function askUdp(
  cluster: Cluster,
  vantage: string,
  to: string,
  port: number,
  from: number,
): Promise<string> {
  const args = [to, String(port), String(from)];
  return (await cluster.mustFrom(vantage, ['perl', '-e', client, ...args])).trim();
}
