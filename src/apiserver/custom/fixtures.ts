/** For tests: a definition as controllers install them, with everything that a schema may say. */
type Json = Record<string, unknown>;

const spec = {
  type: 'object',
  description: 'What is wanted.',
  required: ['schedule'],
  properties: {
    schedule: { type: 'string', description: 'When.', pattern: '^(\\d+|\\*)(\\s+(\\d+|\\*)){4}$' },
    replicas: { type: 'integer', minimum: 0, maximum: 10, default: 1 },
    policy: { type: 'string', enum: ['Allow', 'Forbid'] },
    port: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
    free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    labels: { type: 'object', additionalProperties: { type: 'string', maxLength: 5 } },
    tags: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
    ports: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: {
        type: 'object',
        required: ['name'],
        properties: { name: { type: 'string' }, number: { type: 'integer', description: 'Of the port.', default: 80 } },
      },
    },
    nothing: { type: 'string', nullable: true },
  },
};

const status = {
  type: 'object',
  properties: {
    replicas: { type: 'integer' },
    selector: { type: 'string' },
    conditions: {
      type: 'array',
      items: { type: 'object', properties: { type: { type: 'string' }, status: { type: 'string' } } },
    },
  },
};

export const schema = { type: 'object', properties: { spec, status } };

export function crontabs(change: (definition: Json & { spec: Json }) => void = () => undefined): Json {
  const version = (name: string, storage: boolean): Json => ({
    name,
    served: true,
    storage,
    schema: { openAPIV3Schema: schema },
    subresources: {
      status: {},
      scale: {
        specReplicasPath: '.spec.replicas',
        statusReplicasPath: '.status.replicas',
        labelSelectorPath: '.status.selector',
      },
    },
    selectableFields: [{ jsonPath: '.spec.policy' }],
    additionalPrinterColumns: [
      { name: 'Schedule', type: 'string', jsonPath: '.spec.schedule' },
      { name: 'Replicas', type: 'integer', jsonPath: '.spec.replicas', priority: 1 },
      { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
      { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
    ],
  });
  const definition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'crontabs.stable.example.com' },
    spec: {
      group: 'stable.example.com',
      scope: 'Namespaced',
      names: { plural: 'crontabs', singular: 'crontab', kind: 'CronTab', shortNames: ['ct'], categories: ['all'] },
      versions: [version('v1', true), version('v1beta1', false)],
    },
  };
  change(definition);
  return definition;
}

export function crontab(name: string, more: Json = {}): Json {
  return {
    apiVersion: 'stable.example.com/v1',
    kind: 'CronTab',
    metadata: { name },
    spec: { schedule: '* * * * *', ...more },
  };
}
