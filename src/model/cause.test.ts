/** What people are told where a Service leads to nobody. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Endpoint, EndpointSlice, Pod, Service, ServiceSpec } from '../api/gen/types.ts';
import { whyNobody, whyNotProxied } from './index.ts';

const service = (spec: ServiceSpec, labels: Record<string, string> = {}): Service => ({
  metadata: { namespace: 'shop', name: 'web', labels },
  spec: { clusterIP: '10.96.0.7', selector: { app: 'web' }, ports: [{ port: 80 }], ...spec },
});

test('why no node answers for a Service', () => {
  const other = { 'service.kubernetes.io/service-proxy-name': 'mine' };
  const rows: readonly (readonly [Service, RegExp | undefined])[] = [
    [service({}), undefined],
    [service({ clusterIP: 'None' }), /^it is headless/],
    [
      service({ type: 'ExternalName', externalName: 'example.com' }),
      /^it is an ExternalName: .* alias of example\.com/,
    ],
    [service({}, other), /^its label service\.kubernetes\.io\/service-proxy-name=mine takes it away/],
    [service({ clusterIP: '' }), /^it has no cluster IP$/],
  ];
  for (const [one, expected] of rows) {
    const why = whyNotProxied(one);
    if (expected === undefined) assert.equal(why, undefined);
    else assert.match(why ?? '', expected);
  }
});

const port = { portName: '', protocol: 'TCP', family: 'IPv4' } as const;
const pod = (labels: Record<string, string>, phase: string, ...ips: string[]): Pod => ({
  metadata: { namespace: 'shop', name: 'web-1', labels },
  status: { phase, podIPs: ips.map((ip) => ({ ip })) },
});
const slice = (ports: EndpointSlice['ports'], ...endpoints: Partial<Endpoint>[]): EndpointSlice => ({
  metadata: { namespace: 'shop', name: 'web-abc', labels: { 'kubernetes.io/service-name': 'web' } },
  addressType: 'IPv4',
  ports: ports ?? [],
  endpoints: endpoints.map((one) => ({ addresses: ['10.244.1.2'], ...one })),
});
const http = [{ name: '', port: 8080, protocol: 'TCP' }];
const targetRef = { kind: 'Pod', namespace: 'shop', name: 'web-1' };
const web = { app: 'web' };

const cases: readonly {
  readonly name: string;
  readonly spec?: ServiceSpec;
  readonly slices?: readonly EndpointSlice[];
  readonly pods?: readonly Pod[];
  readonly expect: string | undefined;
}[] = [
  {
    name: 'the selector chooses nobody; a pod of another namespace does not count',
    pods: [
      pod({ app: 'wbe' }, 'Running', '10.244.1.2'),
      { ...pod(web, 'Running'), metadata: { namespace: 'x', labels: web } },
    ],
    expect: 'no pod in its namespace has the labels of its selector, app=web',
  },
  {
    name: 'pods that wait for a node or an image',
    slices: [slice([])],
    pods: [pod(web, 'Pending')],
    expect: 'its pods have no address yet: web-1; kubectl describe pod says why',
  },
  {
    name: 'pods that ran to their end',
    pods: [pod(web, 'Failed')],
    expect: 'all pods of its selector, app=web, have ended',
  },
  {
    name: 'pods of the other family only',
    pods: [pod(web, 'Running', 'fd00::2')],
    expect: 'its pods have no IPv4 address',
  },
  {
    name: 'readiness',
    slices: [slice(http, { conditions: { ready: false }, targetRef })],
    pods: [],
    expect: 'not ready: web-1; kubectl describe pod says why',
  },
  {
    name: 'the target port is a name that no container has',
    spec: { ports: [{ port: 80, targetPort: 'http' }] },
    slices: [slice([], { targetRef })],
    expect: 'no ready container of its pods has a port named "http" (targetPort)',
  },
  {
    name: 'slices made by hand with another port',
    spec: { selector: {} },
    slices: [slice([{ name: 'other', port: 1, protocol: 'TCP' }], {})],
    expect: 'its EndpointSlices have no port named ""',
  },
  {
    name: 'no selector, no slice',
    spec: { selector: {} },
    expect: 'it has no selector, and no EndpointSlice names an address for it',
  },
  { name: 'who asks may not see pods', expect: undefined },
];
for (const { name, spec = {}, slices = [], pods, expect } of cases) {
  test(`why nobody serves it: ${name}`, () => {
    assert.equal(whyNobody(service(spec), port, slices, pods), expect);
  });
}
