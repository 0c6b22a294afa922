import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { resources } from '../../resources.ts';
import { Pipeline } from '../test-kit.ts';

/** What kube-apiserver 1.36.3 answered to each of them, in the order of the alphabet. */
const table: readonly (readonly [string, object, readonly string[]])[] = [
  [
    'a field of a variable',
    {
      containers: [
        {
          name: 'web',
          image: 'nginx',
          env: [
            { name: 'A', valueFrom: { fieldRef: { fieldPath: "metadata.labels['a b']" } } },
            { name: 'B', valueFrom: { fieldRef: { fieldPath: "spec['x']" } } },
          ],
        },
      ],
    },
    [
      "spec.containers[0].env[0].valueFrom.fieldRef: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
      "spec.containers[0].env[1].valueFrom.fieldRef.fieldPath: Invalid value: \"spec['x']\": error converting fieldPath: field label does not support subscript: spec['x']",
    ],
  ],
  [
    'resource of a variable',
    {
      containers: [
        {
          name: 'web',
          image: 'nginx',
          env: [
            { name: 'A', valueFrom: { resourceFieldRef: { resource: 'limits.gpu' } } },
            { name: 'B', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1m' } } },
          ],
        },
      ],
    },
    [
      'spec.containers[0].env[0].valueFrom.resourceFieldRef.resource: Unsupported value: "limits.gpu": supported values: "limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage", "requests.memory"',
      'spec.containers[0].env[1].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.memory": only divisor\'s values 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with the memory resource',
    ],
  ],
  [
    'keys of a variable',
    {
      containers: [
        {
          name: 'web',
          image: 'nginx',
          env: [
            { name: 'A', valueFrom: { configMapKeyRef: { name: 'x', key: '..' } } },
            { name: 'B', valueFrom: { secretKeyRef: { name: 'X', key: 'k' } } },
          ],
        },
      ],
    },
    [
      'spec.containers[0].env[0].valueFrom.configMapKeyRef.key: Invalid value: "..": must not be \'..\'',
      "spec.containers[0].env[1].valueFrom.secretKeyRef.name: Invalid value: \"X\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    ],
  ],
  [
    'file of a variable',
    {
      containers: [
        {
          name: 'web',
          image: 'nginx',
          env: [{ name: 'A', valueFrom: { fileKeyRef: { key: 'a', volumeName: 'v', path: '../x' } } }],
        },
      ],
    },
    [
      'spec.containers[0].env[0].valueFrom.fileKeyRef.path: Invalid value: "../x": must not contain \'..\'',
      'spec.containers[0].env[0].valueFrom.fileKeyRef.volumeName: Not found: "v"',
    ],
  ],
  [
    'nothing in envFrom',
    { containers: [{ name: 'web', image: 'nginx', envFrom: [{ prefix: 'é' }] }] },
    [
      'spec.containers[0].envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`',
      'spec.containers[0].envFrom[0].prefix: Invalid value: "é": a valid environment variable name must consist only of printable ASCII characters other than \'=\'',
    ],
  ],
  [
    'a bad name in envFrom',
    { containers: [{ name: 'web', image: 'nginx', envFrom: [{ configMapRef: { name: 'X' } }, { secretRef: {} }] }] },
    [
      "spec.containers[0].envFrom[0].configMapRef.name: Invalid value: \"X\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      'spec.containers[0].envFrom[1].secretRef.name: Required value',
    ],
  ],
  [
    'sub paths',
    {
      containers: [
        {
          name: 'web',
          image: 'nginx',
          volumeMounts: [{ name: 'v', mountPath: '/a', subPath: '/x', subPathExpr: '..' }],
        },
      ],
      volumes: [{ name: 'v', emptyDir: {} }],
    },
    [
      'spec.containers[0].volumeMounts.subPath: Invalid value: "/x": must be a relative path',
      'spec.containers[0].volumeMounts.subPathExpr: Invalid value: "..": must not contain \'..\'',
      'spec.containers[0].volumeMounts[0].subPathExpr: Invalid value: "..": subPathExpr and subPath are mutually exclusive',
    ],
  ],
  [
    'propagation',
    {
      containers: [
        {
          name: 'web',
          image: 'nginx',
          volumeMounts: [
            { name: 'v', mountPath: '/a', mountPropagation: 'Bidirectional', recursiveReadOnly: 'Enabled' },
          ],
        },
      ],
      volumes: [{ name: 'v', emptyDir: {} }],
    },
    [
      'spec.containers[0].volumeMounts.mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged containers',
      'spec.containers[0].volumeMounts.recursiveReadOnly: Forbidden: may only be specified when mountPropagation is None or not specified',
      'spec.containers[0].volumeMounts.recursiveReadOnly: Forbidden: may only be specified when readOnly is true',
    ],
  ],
  [
    'devices',
    {
      containers: [
        {
          name: 'web',
          image: 'nginx',
          volumeDevices: [
            { name: 'v', devicePath: '/d/..' },
            { name: 'w', devicePath: '' },
          ],
        },
      ],
      volumes: [{ name: 'v', emptyDir: {} }],
    },
    [
      'spec.containers[0].volumeDevices[0].devicePath: Invalid value: "/d/..": can not contain backsteps (\'..\')',
      'spec.containers[0].volumeDevices[0].name: Invalid value: "v": can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode',
      'spec.containers[0].volumeDevices[1].devicePath: Required value',
      'spec.containers[0].volumeDevices[1].name: Not found: "w"',
    ],
  ],
  [
    'names of resources',
    { containers: [{ name: 'web', image: 'nginx', resources: { requests: { foo: '1', 'a.example.com/gpu': '1' } } }] },
    [
      'spec.containers[0].resources.limits: Required value: Limit must be set for non overcommitable resources',
      'spec.containers[0].resources.requests[foo]: Invalid value: "foo": must be a standard resource for containers',
      'spec.containers[0].resources.requests[foo]: Invalid value: "foo": must be a standard resource type or fully qualified',
    ],
  ],
  [
    'huge pages',
    { containers: [{ name: 'web', image: 'nginx', resources: { limits: { 'hugepages-2Mi': '3Mi' } } }] },
    [
      'spec.containers[0].resources.limits[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi',
      'spec.containers[0].resources.requests[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi',
      'spec.containers[0].resources: Forbidden: HugePages require cpu or memory',
    ],
  ],
  [
    'claims',
    {
      containers: [
        { name: 'web', image: 'nginx', resources: { claims: [{ name: 'a' }, { name: 'b' }, { name: 'b' }] } },
      ],
      resourceClaims: [{ name: 'b', resourceClaimName: 'B' }, {}],
    },
    [
      'spec.containers[0].resources.claims[0]: Not found: "a": must be one of the names in pod.spec.resourceClaims: b',
      'spec.containers[0].resources.claims[2]: Duplicate value: "b"',
      "spec.resourceClaims[0].resourceClaimName: Invalid value: \"B\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      'spec.resourceClaims[1].name: Required value',
      'spec.resourceClaims[1]: Invalid value: {"Name":"","ResourceClaimName":null,"ResourceClaimTemplateName":null}: must specify one of: `resourceClaimName`, `resourceClaimTemplateName`',
    ],
  ],
  [
    'resizing',
    {
      containers: [
        {
          name: 'web',
          image: 'nginx',
          resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }, { resourceName: 'gpu' }],
        },
      ],
      restartPolicy: 'Never',
    },
    [
      "spec.containers[0].resizePolicy: Invalid value: \"\": must be 'NotRequired' when pod `restartPolicy` is 'Never'",
      "spec.containers[0].resizePolicy: Invalid value: \"RestartContainer\": must be 'NotRequired' when pod `restartPolicy` is 'Never'",
      'spec.containers[0].resizePolicy: Required value',
      'spec.containers[0].resizePolicy: Unsupported value: "gpu": supported values: "cpu", "memory"',
    ],
  ],
  [
    'of a whole pod',
    {
      containers: [{ name: 'web', image: 'nginx', resources: { limits: { cpu: '2' }, requests: { cpu: '2' } } }],
      resources: { limits: { cpu: '1', 'ephemeral-storage': '1' }, requests: { cpu: '1' } },
    },
    [
      'spec.resources.containers[0][cpu].limits: Invalid value: "2": must be less than or equal to pod limits of 1',
      'spec.resources.limits[ephemeral-storage]: Unsupported value: "ephemeral-storage": supported values: "cpu", "hugepages-", "memory"',
      'spec.resources.requests[cpu]: Invalid value: "1": must be greater than or equal to aggregate container requests of 2',
    ],
  ],
  [
    'profiles',
    {
      containers: [
        {
          name: 'web',
          image: 'nginx',
          securityContext: {
            seccompProfile: { type: 'RuntimeDefault', localhostProfile: 'x' },
            appArmorProfile: { type: 'Localhost', localhostProfile: ' x' },
          },
        },
      ],
    },
    [
      'spec.containers[0].securityContext.appArmorProfile.localhostProfile: Invalid value: " x": must not be padded with whitespace',
      'spec.containers[0].securityContext.seccompProfile.localhostProfile: Invalid value: {"Type":"RuntimeDefault","LocalhostProfile":"x"}: can only be set when seccomp type is Localhost',
    ],
  ],
  [
    'no type of profiles',
    { containers: [{ name: 'web', image: 'nginx', securityContext: { seccompProfile: {}, appArmorProfile: {} } }] },
    [
      'spec.containers[0].securityContext.appArmorProfile.type: Required value: type is required when appArmorProfile is set',
      'spec.containers[0].securityContext.seccompProfile.type: Required value: type is required when seccompProfile is set',
    ],
  ],
  [
    'policies that are empty',
    {
      containers: [{ name: 'web', image: 'nginx', securityContext: { procMount: '' } }],
      securityContext: { fsGroupChangePolicy: '', supplementalGroupsPolicy: '', seLinuxChangePolicy: '' },
    },
    [
      'spec.containers[0].securityContext.procMount: Unsupported value: "": supported values: "Default", "Unmasked"',
      'spec.securityContext.fsGroupChangePolicy: Unsupported value: "": supported values: "Always", "OnRootMismatch"',
      'spec.securityContext.seLinuxChangePolicy: Unsupported value: "": supported values: "Recursive"',
      'spec.securityContext.supplementalGroupsPolicy: Unsupported value: "": supported values: "Merge", "Strict"',
    ],
  ],
  [
    'namespaces of the host',
    {
      containers: [{ name: 'web', image: 'nginx' }],
      hostPID: true,
      hostIPC: true,
      hostUsers: false,
      shareProcessNamespace: true,
      securityContext: { sysctls: [{ name: 'kernel.shmmax', value: '1' }] },
    },
    [
      'spec.HostIPC: Forbidden: when `hostUsers` is false',
      'spec.HostPID: Forbidden: when `hostUsers` is false',
      'spec.securityContext.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be enabled',
      'spec.securityContext.sysctls[0].name: Invalid value: "kernel.shmmax": may not be specified when \'hostIPC\' is true',
    ],
  ],
  [
    'for Windows',
    {
      containers: [{ name: 'web', image: 'nginx', securityContext: { privileged: true } }],
      os: { name: 'windows' },
      hostPID: true,
      securityContext: { runAsUser: 1 },
    },
    [
      'spec.containers[0].securityContext.privileged: Forbidden: cannot be set for a windows pod',
      'spec.hostPID: Forbidden: cannot be set for a windows pod',
      'spec.securityContext.runAsUser: Forbidden: cannot be set for a windows pod',
    ],
  ],
  [
    'Windows users',
    {
      containers: [
        {
          name: 'web',
          image: 'nginx',
          securityContext: { windowsOptions: { runAsUserName: 'a\\b/c', hostProcess: true } },
        },
      ],
    },
    [
      'spec.containers[0].securityContext.windowsOptions.runAsUserName: Invalid value: "a\\\\b/c": runAsUserName\'s User cannot contain the following characters: "/\\:;|=,+*?<>@[]',
      'spec.hostNetwork: Invalid value: false: hostNetwork must be true if pod contains any hostProcess containers',
    ],
  ],
  [
    'an unknown system',
    { containers: [{ name: 'web', image: 'nginx' }], os: { name: 'plan9' } },
    ['spec.os: Unsupported value: "plan9": supported values: "linux", "windows"'],
  ],
  [
    'affinity to nodes',
    {
      containers: [{ name: 'web', image: 'nginx' }],
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [
              {
                matchExpressions: [{ key: 'a', operator: 'Gt' }],
                matchFields: [{ key: 'a', operator: 'In', values: ['b'] }],
              },
            ],
          },
          preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 0, preference: {} }],
        },
      },
    },
    [
      'spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 0: must be in the range 1-100',
      "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].values: Required value: must be specified single value when `operator` is 'Lt' or 'Gt'",
      'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchFields[0].key: Invalid value: "a": not a valid field selector key',
    ],
  ],
  [
    'affinity to pods',
    {
      containers: [{ name: 'web', image: 'nginx' }],
      affinity: {
        podAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            { topologyKey: '', namespaces: ['A'], matchLabelKeys: ['a'] },
          ],
        },
        podAntiAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            {
              weight: 101,
              podAffinityTerm: { topologyKey: 'a', labelSelector: {}, matchLabelKeys: ['a'], mismatchLabelKeys: ['a'] },
            },
          ],
        },
      },
    },
    [
      'spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].matchLabelKeys: Forbidden: must not be specified when labelSelector is not set',
      "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].namespace: Invalid value: \"A\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
      'spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Invalid value: "": name part must be non-empty',
      "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Invalid value: \"\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
      'spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Required value: can not be empty',
      'spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm.matchLabelKeys[0]: Invalid value: "a": exists in both matchLabelKeys and mismatchLabelKeys',
      'spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 101: must be in the range 1-100',
    ],
  ],
  [
    'spread',
    {
      containers: [{ name: 'web', image: 'nginx' }],
      topologySpreadConstraints: [
        { maxSkew: 0, topologyKey: 'a', whenUnsatisfiable: 'ScheduleAnyway', minDomains: 1, nodeTaintsPolicy: '' },
        { maxSkew: 1, topologyKey: 'a', whenUnsatisfiable: 'ScheduleAnyway', matchLabelKeys: ['x'] },
      ],
    },
    [
      'spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero',
      'spec.topologySpreadConstraints[0].minDomains: Invalid value: 1: can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway',
      'spec.topologySpreadConstraints[0].nodeTaintsPolicy: Unsupported value: "": supported values: "Honor", "Ignore"',
      'spec.topologySpreadConstraints[0].{topologyKey, whenUnsatisfiable}: Duplicate value: "{a, ScheduleAnyway}"',
      'spec.topologySpreadConstraints[1].matchLabelKeys: Forbidden: must not be specified when labelSelector is not set',
    ],
  ],
  [
    'tolerations',
    {
      containers: [{ name: 'web', image: 'nginx' }],
      tolerations: [
        {},
        { key: 'a', operator: 'Exists', value: 'x' },
        { key: 'a', operator: 'Gt' },
        { key: 'a', effect: 'No' },
      ],
    },
    [
      'spec.tolerations[0].operator: Invalid value: "": operator must be Exists when `key` is empty, which means "match all values and all keys"',
      'spec.tolerations[1].operator: Invalid value: "x": value must be empty when `operator` is \'Exists\'',
      'spec.tolerations[2].operator: Unsupported value: "Gt": supported values: "Equal", "Exists", "Lt", "Gt"',
      'spec.tolerations[3].effect: Unsupported value: "No": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
    ],
  ],
  [
    'gates',
    {
      containers: [{ name: 'web', image: 'nginx' }],
      schedulingGates: [{ name: 'a' }, { name: 'a' }, { name: '-' }],
      nodeName: 'n',
    },
    [
      'spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared',
      'spec.schedulingGates[1]: Duplicate value: "a"',
      "spec.schedulingGates[2]: Invalid value: \"-\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    ],
  ],
  [
    'ephemeral containers',
    {
      containers: [{ name: 'web', image: 'nginx' }],
      ephemeralContainers: [
        {
          name: 'web',
          image: ' i',
          targetContainerName: 'x',
          ports: [{ containerPort: 1 }],
          volumeMounts: [{ name: 'v', mountPath: '/v', subPath: 's' }],
        },
      ],
      volumes: [{ name: 'v', emptyDir: {} }],
    },
    [
      'spec.ephemeralContainers: Forbidden: cannot be set on create',
      'spec.ephemeralContainers[0].image: Invalid value: " i": must not have leading or trailing whitespace',
      'spec.ephemeralContainers[0].name: Duplicate value: "web"',
      'spec.ephemeralContainers[0].ports: Forbidden: cannot be set for an Ephemeral Container',
      'spec.ephemeralContainers[0].targetContainerName: Not found: "x"',
      'spec.ephemeralContainers[0].volumeMounts[0].subPath: Forbidden: cannot be set for an Ephemeral Container',
    ],
  ],
  [
    'a bad volume cannot be mounted',
    {
      containers: [{ name: 'web', image: 'nginx', volumeMounts: [{ name: 'v', mountPath: '/a' }] }],
      volumes: [{ name: 'v', hostPath: { path: '/x', type: 'Pipe' } }],
    },
    [
      'spec.containers[0].volumeMounts[0].name: Not found: "v"',
      'spec.volumes[0].hostPath.type: Unsupported value: "Pipe": supported values: "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"',
    ],
  ],
  [
    'the second source is only too much',
    {
      containers: [{ name: 'web', image: 'nginx' }],
      volumes: [{ name: 'v', emptyDir: {}, downwardAPI: { defaultMode: -1 } }],
    },
    ['spec.volumes[0].downwarAPI: Forbidden: may not specify more than 1 volume type'],
  ],
  [
    'items of a volume',
    {
      containers: [{ name: 'web', image: 'nginx' }],
      volumes: [
        { name: 'v', configMap: { name: 'x', defaultMode: 512, items: [{ key: 'k', path: '..x' }] } },
        { name: 'w', downwardAPI: { items: [{ path: '/x' }] } },
      ],
    },
    [
      'spec.volumes[0].configMap.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive',
      'spec.volumes[0].configMap.items[0].path: Invalid value: "..x": must not start with \'..\'',
      'spec.volumes[1].downwardAPI.path: Invalid value: "/x": must be a relative path',
      'spec.volumes[1].downwardAPI: Required value: one of fieldRef and resourceFieldRef is required',
    ],
  ],
  [
    'projected',
    {
      containers: [{ name: 'web', image: 'nginx' }],
      serviceAccountName: 'default',
      volumes: [
        {
          name: 'v',
          projected: {
            sources: [
              {
                secret: { items: [{ key: 'a', path: 'p' }] },
                configMap: { name: 'c', items: [{ key: 'a', path: 'p' }] },
              },
              { serviceAccountToken: { path: '', expirationSeconds: 1 } },
            ],
          },
        },
      ],
    },
    [
      'spec.volumes[0].projected.path: Required value',
      'spec.volumes[0].projected.sources[0].secret.name: Required value',
      'spec.volumes[0].projected.sources[0]: Forbidden: may not specify more than 1 volume type per source',
      'spec.volumes[0].projected.sources[1].serviceAccountToken.expirationSeconds: Invalid value: 1: may not specify a duration less than 10 minutes',
      'spec.volumes[0].projected: Invalid value: "c": conflicting duplicate paths',
    ],
  ],
  [
    'search domains',
    { containers: [{ name: 'web', image: 'nginx' }], dnsConfig: { searches: ['_a.b', 'a_.b', '.'], options: [{}] } },
    [
      'spec.dnsConfig.options[0]: Required value: must not be empty',
      "spec.dnsConfig.searches[1]: Invalid value: \"a_.b\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')",
    ],
  ],
  [
    'host aliases',
    { containers: [{ name: 'web', image: 'nginx' }], hostAliases: [{ ip: '1.2.3.4', hostnames: ['a', 'A'] }] },
    [
      "spec.hostAliases[0].hostnames[1]: Invalid value: \"A\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    ],
  ],
  [
    'sleep',
    { containers: [{ name: 'web', image: 'nginx', lifecycle: { preStop: { sleep: { seconds: 31 } } } }] },
    [
      'spec.containers[0].lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than terminationGracePeriodSeconds (30)',
    ],
  ],
  [
    'grace of a probe',
    {
      containers: [
        { name: 'web', image: 'nginx', readinessProbe: { tcpSocket: { port: 1 }, terminationGracePeriodSeconds: 0 } },
      ],
    },
    [
      'spec.containers[0].readinessProbe.terminationGracePeriodSeconds: Invalid value: 0: must be greater than 0',
      'spec.containers[0].readinessProbe.terminationGracePeriodSeconds: Invalid value: 0: must not be set for readinessProbes',
    ],
  ],
];

describe('pods are refused in the words of upstream', () => {
  const pipeline = new Pipeline();
  for (const [what, spec, causes] of table) {
    test(what, () => {
      const { errors } = pipeline.create(resources.pods, { metadata: { name: 'p' }, spec });
      assert.deepEqual([...errors].sort(), causes);
    });
  }
});
