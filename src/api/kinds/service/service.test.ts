import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import type { Service, ServiceSpec } from '../../gen/types.ts';
import { resources } from '../../resources.ts';
import { Pipeline } from '../test-kit.ts';

const pipeline = new Pipeline();

function create(spec: object, metadata: object = { name: 'web' }): { object: Service; errors: readonly string[] } {
  return pipeline.create(resources.services, { metadata, spec });
}

function errorsOf(spec: object): readonly string[] {
  return create(spec).errors;
}

const port = { port: 80 };

describe('defaults', () => {
  test('claim C1, C3: ClusterIP is the type, targetPort is the port', () => {
    const { object, errors } = create({ ports: [port] });
    assert.deepEqual(errors, []);
    assert.deepEqual(object.spec, {
      ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
      type: 'ClusterIP',
      sessionAffinity: 'None',
      internalTrafficPolicy: 'Cluster',
    });
    assert.deepEqual(object.status, { loadBalancer: {} });
  });

  test('LoadBalancer', () => {
    const { spec } = create({ type: 'LoadBalancer', ports: [{ port: 53, protocol: 'UDP', targetPort: 'dns' }] }).object;
    assert.equal(spec?.allocateLoadBalancerNodePorts, true);
    assert.equal(spec?.externalTrafficPolicy, 'Cluster');
    assert.equal(spec?.ports?.[0]?.targetPort, 'dns');
  });

  test('ClientIP affinity has three hours; config is dropped for None', () => {
    const { spec } = create({ ports: [port], sessionAffinity: 'ClientIP' }).object;
    assert.deepEqual(spec?.sessionAffinityConfig, { clientIP: { timeoutSeconds: 10800 } });
    const none = create({ ports: [port], sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } } }).object.spec;
    assert.equal(none?.sessionAffinityConfig, undefined);
  });

  test('status from the client is dropped on create', () => {
    const status = { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } };
    const body = { metadata: { name: 'web' }, spec: { type: 'LoadBalancer', ports: [port] }, status };
    assert.deepEqual(pipeline.create(resources.services, body).object.status, { loadBalancer: {} });
  });
});

describe('validation in the words of upstream', () => {
  const only = "may only be used when `type` is 'LoadBalancer'";
  const table: readonly (readonly [string, object, readonly string[]])[] = [
    ['no ports', {}, ['spec.ports: Required value']],
    ['headless may have none', { clusterIP: 'None' }, []],
    [
      'two ports need names',
      { ports: [port, { port: 81 }] },
      ['spec.ports[0].name: Required value', 'spec.ports[1].name: Required value'],
    ],
    [
      'names are unique',
      {
        ports: [
          { name: 'a', port: 1 },
          { name: 'a', port: 2 },
        ],
      },
      ['spec.ports[1].name: Duplicate value: "a"'],
    ],
    [
      'ports are unique',
      {
        ports: [
          { name: 'a', port: 1 },
          { name: 'b', port: 1 },
        ],
      },
      [
        'spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":1,"TargetPort":0,"NodePort":0}',
      ],
    ],
    [
      'one port, two protocols',
      {
        ports: [
          { name: 'a', port: 1 },
          { name: 'b', port: 1, protocol: 'UDP' },
        ],
      },
      [],
    ],
    [
      'port 0',
      { ports: [{ port: 0, targetPort: 1 }] },
      ['spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive'],
    ],
    [
      'port 65536',
      { ports: [{ port: 65536, targetPort: 1 }] },
      ['spec.ports[0].port: Invalid value: 65536: must be between 1 and 65535, inclusive'],
    ],
    [
      'protocol',
      { ports: [{ port: 1, protocol: 'ICMP' }] },
      ['spec.ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"'],
    ],
    [
      'targetPort name',
      { ports: [{ port: 1, targetPort: 'HTTP' }] },
      [
        'spec.ports[0].targetPort: Invalid value: "HTTP": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
        'spec.ports[0].targetPort: Invalid value: "HTTP": must contain at least one letter (a-z)',
      ],
    ],
    [
      'targetPort number',
      { ports: [{ port: 1, targetPort: 70000 }] },
      ['spec.ports[0].targetPort: Invalid value: 70000: must be between 1 and 65535, inclusive'],
    ],
    [
      'type',
      { type: 'Magic', ports: [port] },
      [
        'spec.type: Unsupported value: "Magic": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
      ],
    ],
    [
      'nodePort with ClusterIP',
      { ports: [{ port: 80, nodePort: 30000 }] },
      ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
    ],
    [
      'nodePort twice',
      {
        type: 'NodePort',
        ports: [
          { name: 'a', port: 1, nodePort: 30001 },
          { name: 'b', port: 2, nodePort: 30001 },
        ],
      },
      ['spec.ports[1].nodePort: Invalid value: 30001: provided port is already allocated'],
    ],
    [
      'nodePort for two protocols',
      {
        type: 'NodePort',
        ports: [
          { name: 'a', port: 1, nodePort: 30001 },
          { name: 'b', port: 1, nodePort: 30001, protocol: 'UDP' },
        ],
      },
      [],
    ],
    [
      'clusterIP format',
      { clusterIP: '10.96.0', ports: [port] },
      ['spec.clusterIPs[0]: Invalid value: "10.96.0": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'],
    ],
    [
      'clusterIP with zeros',
      { clusterIP: '10.096.0.1', ports: [port] },
      ['spec.clusterIPs[0]: Invalid value: "10.096.0.1": must not have leading 0s'],
    ],
    [
      'clusterIPs differ',
      { clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.2'], ports: [port] },
      ['spec.clusterIPs: Invalid value: ["10.96.0.2"]: first value must match `clusterIP`'],
    ],
    [
      'None is alone',
      { clusterIP: 'None', clusterIPs: ['None', '10.96.0.1'], ports: [port] },
      ['spec.clusterIPs: Invalid value: ["None","10.96.0.1"]: \'None\' must be the first and only value'],
    ],
    [
      'one family twice',
      { clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1', '10.96.0.2'], ports: [port] },
      ['spec.clusterIPs: Invalid value: ["10.96.0.1","10.96.0.2"]: may specify no more than one IP for each IP family'],
    ],
    [
      'family of address',
      { clusterIP: 'fd00::1', ipFamilies: ['IPv4'], ports: [port] },
      ['spec.clusterIPs[0]: Invalid value: "fd00::1": expected an IPv4 value as indicated by `ipFamilies[0]`'],
    ],
    [
      'family',
      { ipFamilies: ['IPv5'], ports: [port] },
      ['spec.ipFamilies[0]: Unsupported value: "IPv5": supported values: "IPv4", "IPv6"'],
    ],
    ['family twice', { ipFamilies: ['IPv4', 'IPv4'], ports: [port] }, ['spec.ipFamilies[1]: Duplicate value: "IPv4"']],
    [
      'policy',
      { ipFamilyPolicy: 'Both', ports: [port] },
      [
        'spec.ipFamilyPolicy: Unsupported value: "Both": supported values: "PreferDualStack", "RequireDualStack", "SingleStack"',
      ],
    ],
    [
      'headless NodePort',
      { type: 'NodePort', clusterIP: 'None', ports: [port] },
      ['spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for NodePort services'],
    ],
    [
      'headless LoadBalancer',
      { type: 'LoadBalancer', clusterIP: 'None', ports: [port] },
      ['spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for LoadBalancer services'],
    ],
    ['externalName missing', { type: 'ExternalName' }, ['spec.externalName: Required value']],
    ['externalName with dot', { type: 'ExternalName', externalName: 'example.com.' }, []],
    [
      'externalName with address',
      { type: 'ExternalName', externalName: 'a.b', clusterIP: '10.96.0.1' },
      ['spec.clusterIPs: Forbidden: may not be set for ExternalName services'],
    ],
    [
      'affinity',
      { ports: [port], sessionAffinity: 'Cookie' },
      ['spec.sessionAffinity: Unsupported value: "Cookie": supported values: "ClientIP", "None"'],
    ],
    [
      'affinity seconds',
      { ports: [port], sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 86401 } } },
      [
        'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: must be greater than 0 and less than 86400',
      ],
    ],
    [
      'policy inside',
      { type: 'ClusterIP', ports: [port], externalTrafficPolicy: 'Local' },
      ['spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services'],
    ],
    [
      'policy value',
      { type: 'NodePort', ports: [port], externalTrafficPolicy: 'Some' },
      ['spec.externalTrafficPolicy: Unsupported value: "Some": supported values: "Cluster", "Local"'],
    ],
    [
      'internal policy',
      { ports: [port], internalTrafficPolicy: 'Some' },
      ['spec.internalTrafficPolicy: Unsupported value: "Some": supported values: "Cluster", "Local"'],
    ],
    [
      'distribution',
      { ports: [port], trafficDistribution: 'Far' },
      [
        'spec.trafficDistribution: Unsupported value: "Far": supported values: "PreferClose", "PreferSameZone", "PreferSameNode"',
      ],
    ],
    [
      'health port',
      { type: 'NodePort', ports: [port], healthCheckNodePort: 30000 },
      [
        "spec.healthCheckNodePort: Invalid value: 30000: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
      ],
    ],
    ['class', { ports: [port], loadBalancerClass: 'a/b' }, [`spec.loadBalancerClass: Forbidden: ${only}`]],
    [
      'allocate flag',
      { ports: [port], allocateLoadBalancerNodePorts: false },
      [`spec.allocateLoadBalancerNodePorts: Forbidden: ${only}`],
    ],
    [
      'ranges',
      { ports: [port], loadBalancerSourceRanges: ['10.0.0.1/8'] },
      [
        `spec.LoadBalancerSourceRanges: Forbidden: ${only}`,
        'spec.LoadBalancerSourceRanges[0]: Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length',
      ],
    ],
    ['ranges may be padded', { type: 'LoadBalancer', ports: [port], loadBalancerSourceRanges: [' 10.0.0.0/8 '] }, []],
    [
      'external loopback',
      { ports: [port], externalIPs: ['127.0.0.1'] },
      ['spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)'],
    ],
    [
      'selector',
      { ports: [port], selector: { 'a b': 'c' } },
      [
        "spec.selector: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
      ],
    ],
  ];
  for (const [name, spec, want] of table) {
    test(name, () => {
      assert.deepEqual(errorsOf(spec), want);
    });
  }

  test('names', () => {
    const label =
      "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
    assert.deepEqual(create({ ports: [port] }, { name: 'Web' }).errors, [
      `metadata.name: Invalid value: "Web": ${label}`,
    ]);
    assert.deepEqual(create({ ports: [port] }, { name: '1web' }).errors, []);
    assert.deepEqual(create({ ports: [port] }, {}).errors, [
      'metadata.name: Required value: name or generateName is required',
    ]);
  });
});

describe('type transitions', () => {
  /** As allocation leaves them. */
  const allocated: Readonly<Record<string, ServiceSpec>> = {
    ClusterIP: {
      type: 'ClusterIP',
      ports: [port],
      clusterIP: '10.96.0.9',
      clusterIPs: ['10.96.0.9'],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
    },
    NodePort: {
      type: 'NodePort',
      ports: [{ port: 80, nodePort: 30080 }],
      clusterIP: '10.96.0.9',
      clusterIPs: ['10.96.0.9'],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
    },
    LoadBalancer: {
      type: 'LoadBalancer',
      ports: [{ port: 80, nodePort: 30080 }],
      clusterIP: '10.96.0.9',
      clusterIPs: ['10.96.0.9'],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      externalTrafficPolicy: 'Local',
      healthCheckNodePort: 30999,
      loadBalancerClass: 'a/b',
    },
    ExternalName: { type: 'ExternalName', externalName: 'example.com', ports: [port] },
  };
  const stored = (type: string): Service => {
    const { object } = create(allocated[type] ?? {}, { name: 'web', uid: 'u' });
    return object;
  };
  for (const from of Object.keys(allocated)) {
    for (const to of Object.keys(allocated)) {
      test(`${from} to ${to}, all else sent back as it was`, () => {
        const old = stored(from);
        const spec: ServiceSpec = { ...structuredClone(old.spec), type: to };
        if (to === 'ExternalName') spec.externalName = 'example.com';
        const { object, errors } = pipeline.update(resources.services, old, { metadata: old.metadata, spec });
        assert.deepEqual(errors, []);
        const now = object.spec ?? {};
        assert.equal(now.clusterIP, to === 'ExternalName' ? undefined : old.spec?.clusterIP);
        assert.equal(now.clusterIPs?.length, to === 'ExternalName' ? undefined : old.spec?.clusterIPs?.length);
        if (to === 'ExternalName') assert.equal(now.ipFamilies ?? now.ipFamilyPolicy, undefined);
        const opened = to === 'NodePort' || to === 'LoadBalancer';
        assert.equal(now.ports?.[0]?.nodePort, opened ? old.spec?.ports?.[0]?.nodePort : undefined);
        if (to !== 'LoadBalancer') {
          assert.equal(now.healthCheckNodePort, undefined);
          assert.equal(now.loadBalancerClass, undefined);
          assert.equal(now.allocateLoadBalancerNodePorts, undefined);
        }
        if (!opened) assert.equal(now.externalTrafficPolicy, undefined);
      });
    }
  }

  test('a PUT without allocated values keeps them', () => {
    const old = stored('LoadBalancer');
    const spec = { type: 'LoadBalancer', ports: [port], externalTrafficPolicy: 'Local', loadBalancerClass: 'a/b' };
    const { object, errors } = pipeline.update(resources.services, old, {
      metadata: { name: 'web', namespace: 'default' },
      spec,
    });
    assert.deepEqual(errors, []);
    assert.equal(object.spec?.clusterIP, '10.96.0.9');
    assert.deepEqual(object.spec?.clusterIPs, ['10.96.0.9']);
    assert.equal(object.spec?.ports?.[0]?.nodePort, 30080);
    assert.equal(object.spec?.healthCheckNodePort, 30999);
  });

  test('what may not change', () => {
    const old = stored('LoadBalancer');
    const change = (spec: ServiceSpec): readonly string[] =>
      pipeline.update(resources.services, old, {
        metadata: old.metadata,
        spec: { ...structuredClone(old.spec), ...spec },
      }).errors;
    assert.deepEqual(change({ clusterIP: '10.96.0.10' }), [
      'spec.clusterIPs[0]: Invalid value: ["10.96.0.10"]: may not change once set',
    ]);
    assert.deepEqual(change({ loadBalancerClass: 'a/c' }), [
      'spec.loadBalancerClass: Invalid value: "a/c": may not change once set',
    ]);
    assert.deepEqual(change({ healthCheckNodePort: 30998 }), [
      'spec.healthCheckNodePort: Forbidden: field is immutable',
    ]);
    assert.deepEqual(change({ ipFamilies: ['IPv6'] }), [
      'spec.clusterIPs[0]: Invalid value: "10.96.0.9": expected an IPv6 value as indicated by `ipFamilies[0]`',
    ]);
  });
});

describe('status', () => {
  const balanced = create({ type: 'LoadBalancer', ports: [port] }).object;
  const set = (old: Service, ingress: object[]): { object: Service; errors: readonly string[] } =>
    pipeline.updateStatus(resources.services, old, { ...old, spec: {}, status: { loadBalancer: { ingress } } });

  test('ipMode is VIP; spec can not be changed', () => {
    const { object, errors } = pipeline.updateStatus(resources.services, balanced, {
      ...balanced,
      spec: { ...balanced.spec, selector: { a: 'b' } },
      status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } },
    });
    assert.deepEqual(errors, []);
    assert.deepEqual(object.status, { loadBalancer: { ingress: [{ ip: '1.2.3.4', ipMode: 'VIP' }] } });
    assert.equal(object.spec?.selector, undefined);
  });

  test('bad ones', () => {
    assert.deepEqual(set(create({ ports: [port] }).object, [{ ip: '1.2.3.4', ipMode: 'VIP' }]).errors, [
      "status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'",
    ]);
    assert.deepEqual(set(balanced, [{ hostname: '1.2.3.4' }]).errors, [
      'status.loadBalancer.ingress[0].hostname: Invalid value: "1.2.3.4": must be a DNS name, not an IP address',
    ]);
    assert.deepEqual(set(balanced, [{ hostname: 'a.b', ipMode: 'VIP' }]).errors, [
      'status.loadBalancer.ingress[0].ipMode: Forbidden: may not be specified when `ip` is not set',
    ]);
  });
});

describe('claim C4: columns', () => {
  const row = (spec: ServiceSpec, status: object = {}): string =>
    pipeline.row(
      resources.services,
      {
        metadata: { name: 'web', creationTimestamp: '1970-01-01T00:00:00Z' },
        spec,
        status,
      },
      90_000,
    );

  test('all types', () => {
    assert.equal(pipeline.header(resources.services), 'NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE');
    const ports = [{ port: 80, protocol: 'TCP', nodePort: 30030 }];
    assert.equal(
      row({ type: 'ClusterIP', clusterIPs: ['10.96.0.5'], ports: [{ port: 80, protocol: 'TCP' }] }),
      'web ClusterIP 10.96.0.5 <none> 80/TCP 90s | <none>',
    );
    assert.equal(
      row({ type: 'NodePort', clusterIPs: ['10.96.0.5'], ports, selector: { b: '2', a: '1' } }),
      'web NodePort 10.96.0.5 <none> 80:30030/TCP 90s | a=1,b=2',
    );
    assert.equal(
      row({ type: 'LoadBalancer', clusterIPs: ['10.96.0.5'], ports }),
      'web LoadBalancer 10.96.0.5 <pending> 80:30030/TCP 90s | <none>',
    );
    assert.equal(
      row(
        { type: 'LoadBalancer', clusterIPs: ['10.96.0.5'], ports },
        { loadBalancer: { ingress: [{ ip: '198.51.100.128' }] } },
      ),
      'web LoadBalancer 10.96.0.5 198.51.100.128 80:30030/TCP 90s | <none>',
    );
    assert.equal(
      row({ type: 'ExternalName', externalName: 'example.com' }),
      'web ExternalName <none> example.com <none> 90s | <none>',
    );
    assert.equal(
      row({ type: 'ClusterIP', clusterIPs: ['None'], externalIPs: ['1.1.1.1'] }),
      'web ClusterIP None 1.1.1.1 <none> 90s | <none>',
    );
  });
});
