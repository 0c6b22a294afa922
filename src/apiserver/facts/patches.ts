/**
 * Recorded answers of upstream to patches and applies, each with where its text comes from. Every row runs against an object of its
 * own, made by manager `creator`: Service `svc` (ports 80, labels a=b) or Deployment `web` (container c, image nginx, replicas 1).
 *
 * Sources are of Kubernetes 1.36: S = k8s.io/apiserver pkg/endpoints/handlers, M = k8s.io/apimachinery pkg/util/managedfields/internal,
 * V = k8s.io/apimachinery pkg/apis/meta/v1/validation/validation.go, D = sigs.k8s.io/structured-merge-diff/v6.
 */
export interface PatchFact {
  readonly name: string;
  readonly source: string;
  readonly on: 'svc' | 'web' | 'none';
  readonly type: 'json' | 'merge' | 'strategic' | 'apply' | (string & {});
  readonly query?: string;
  readonly subresource?: string;
  readonly body: unknown;
  readonly code: number;
  readonly reason?: string;
  /** NAME stands for the object's name. */
  readonly message?: string | RegExp;
  readonly causes?: readonly string[];
  /** Of a success: what the answer must hold. */
  readonly holds?: object;
  readonly warnings?: readonly string[];
}

const generic = 'the server rejected our request due to an error in our request';
const media = '415: Unsupported Media Type';

export const patchFacts: readonly PatchFact[] = [
  // Which patches there are
  {
    name: 'unknown type',
    source: 'S/patch.go',
    on: 'svc',
    type: 'text/plain',
    body: {},
    code: 415,
    reason: 'UnsupportedMediaType',
    message: media,
  },
  {
    name: 'plain JSON is no patch',
    source: 'S/patch.go',
    on: 'svc',
    type: 'application/json',
    body: {},
    code: 415,
    reason: 'UnsupportedMediaType',
    message: media,
  },
  {
    name: 'CBOR apply is gated',
    source: 'S/patch.go; features CBORServingAndStorage',
    on: 'svc',
    type: 'application/apply-patch+cbor',
    query: 'fieldManager=me',
    body: {},
    code: 415,
    reason: 'UnsupportedMediaType',
    message: media,
  },
  // Options
  {
    name: 'apply without a manager',
    source: 'V ValidatePatchOptions',
    on: 'svc',
    type: 'apply',
    query: '',
    body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 'NAME' } },
    code: 422,
    reason: 'Invalid',
    message: 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    causes: ['FieldValueRequired fieldManager: Required value: is required for apply patch'],
  },
  {
    name: 'force without apply',
    source: 'V ValidatePatchOptions',
    on: 'svc',
    type: 'merge',
    query: 'force=true',
    body: {},
    code: 422,
    reason: 'Invalid',
    message: 'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
    causes: ['FieldValueForbidden force: Forbidden: may not be specified for non-apply patch'],
  },
  {
    name: 'a manager of 129 bytes',
    source: 'V ValidateFieldManager',
    on: 'svc',
    type: 'merge',
    query: `fieldManager=${'m'.repeat(129)}`,
    body: {},
    code: 422,
    reason: 'Invalid',
    message: 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Too long: may not be more than 128 bytes',
    causes: ['FieldValueTooLong fieldManager: Too long: may not be more than 128 bytes'],
  },
  {
    name: 'a manager with a bell',
    source: 'V ValidateFieldManager',
    on: 'svc',
    type: 'apply',
    query: 'fieldManager=a%07',
    body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 'NAME' } },
    code: 422,
    reason: 'Invalid',
    message:
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Invalid value: "a\\a": invalid character U+0007 (at position 1)',
  },
  {
    name: 'dryRun of a name',
    source: 'V ValidateDryRun',
    on: 'svc',
    type: 'merge',
    query: 'dryRun=Some',
    body: {},
    code: 422,
    reason: 'Invalid',
    message: /^PatchOptions\.meta\.k8s\.io "" is invalid: dryRun: Unsupported value: /,
  },
  {
    name: 'fieldValidation of a name',
    source: 'V ValidateFieldValidation',
    on: 'svc',
    type: 'merge',
    query: 'fieldValidation=Loose',
    body: {},
    code: 422,
    reason: 'Invalid',
    message: /^PatchOptions\.meta\.k8s\.io "" is invalid: fieldValidation: Unsupported value: "Loose"/,
  },
  // JSON patch
  {
    name: 'test that fails',
    source: 'S/patch.go applyJSPatch',
    on: 'svc',
    type: 'json',
    body: [{ op: 'test', path: '/spec/type', value: 'X' }],
    code: 422,
    reason: 'Invalid',
    message: generic,
  },
  {
    name: 'remove of what is not there',
    source: 'S/patch.go applyJSPatch',
    on: 'svc',
    type: 'json',
    body: [{ op: 'remove', path: '/spec/nope' }],
    code: 422,
    reason: 'Invalid',
    message: generic,
  },
  {
    name: 'add beyond the end of a list',
    source: 'S/patch.go applyJSPatch',
    on: 'svc',
    type: 'json',
    body: [{ op: 'add', path: '/spec/ports/7', value: {} }],
    code: 422,
    reason: 'Invalid',
    message: generic,
  },
  {
    name: 'move and copy',
    source: 'RFC 6902',
    on: 'svc',
    type: 'json',
    body: [
      { op: 'copy', from: '/metadata/labels/a', path: '/metadata/labels/c' },
      { op: 'move', from: '/metadata/labels/a', path: '/metadata/labels/d' },
    ],
    code: 200,
    holds: { metadata: { labels: { c: 'b', d: 'b' } } },
  },
  {
    name: '10,001 operations',
    source: 'S/patch.go maxJSONPatchOperations',
    on: 'svc',
    type: 'json',
    body: Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/kind', value: 'Service' })),
    code: 413,
    reason: 'RequestEntityTooLarge',
    message: 'Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001',
  },
  {
    name: 'a field of an operation that nobody knows',
    source: 'S/patch.go applyJSPatch, strictErrors',
    on: 'svc',
    type: 'json',
    query: 'fieldValidation=Warn',
    body: [{ op: 'test', path: '/kind', value: 'Service', note: 1 }],
    code: 200,
    warnings: ['json patch unknown field "[0].note"'],
  },
  // Merge patch
  {
    name: 'null deletes',
    source: 'RFC 7386',
    on: 'svc',
    type: 'merge',
    body: { metadata: { labels: { a: null, x: 'y' } } },
    code: 200,
    holds: { metadata: { labels: { x: 'y' } } },
  },
  {
    name: 'lists are replaced',
    source: 'RFC 7386',
    on: 'svc',
    type: 'merge',
    body: { spec: { ports: [{ port: 81 }] } },
    code: 200,
    holds: { spec: { ports: [{ port: 81, protocol: 'TCP', targetPort: 81 }] } },
  },
  {
    name: 'an unknown field, strict',
    source: 'S/patch.go applyPatchToCurrentObject',
    on: 'svc',
    type: 'merge',
    query: 'fieldValidation=Strict',
    body: { spec: { foo: 1 } },
    code: 422,
    reason: 'Invalid',
    message:
      /^ "" is invalid: patch: Invalid value: "\{\\"apiVersion\\":\\"v1\\",\\"kind\\":\\"Service\\",.*": strict decoding error: unknown field "spec\.foo"$/,
  },
  {
    name: 'an unknown field, warned of',
    source: 'S/patch.go applyPatchToCurrentObject',
    on: 'svc',
    type: 'merge',
    query: 'fieldValidation=Warn',
    body: { spec: { foo: 1 } },
    code: 200,
    warnings: ['unknown field "spec.foo"'],
  },
  {
    name: 'an unknown field, ignored',
    source: 'S/patch.go applyPatchToCurrentObject',
    on: 'svc',
    type: 'merge',
    query: 'fieldValidation=Ignore',
    body: { spec: { foo: 1 } },
    code: 200,
    warnings: [],
  },
  {
    name: 'a key twice, strict',
    source: 'S/patch.go applyJSPatch',
    on: 'svc',
    type: 'merge',
    query: 'fieldValidation=Strict',
    body: '{"spec":{"type":"NodePort","type":"ClusterIP"}}',
    code: 422,
    reason: 'Invalid',
    message: /strict decoding error: duplicate field "spec\.type"$/,
  },
  {
    name: 'a value of the wrong type',
    source: 'S/patch.go applyPatchToCurrentObject',
    on: 'svc',
    type: 'merge',
    body: { spec: { ports: 'x' } },
    code: 422,
    reason: 'Invalid',
    message:
      /^ "" is invalid: patch: Invalid value: "\{.*\}": json: cannot unmarshal string into Go struct field ServiceSpec\.spec\.ports of type \[\]v1\.ServicePort$/,
  },
  {
    name: 'the name is not for changing',
    source: 'S/rest.go checkName',
    on: 'svc',
    type: 'merge',
    body: { metadata: { name: 'other' } },
    code: 400,
    reason: 'BadRequest',
    message: 'the name of the object (other) does not match the name on the URL (NAME)',
  },
  {
    name: 'the namespace is not either',
    source: 'apiserver pkg/registry/rest/meta.go EnsureObjectNamespaceMatchesRequestNamespace',
    on: 'svc',
    type: 'merge',
    body: { metadata: { namespace: 'other' } },
    code: 400,
    reason: 'BadRequest',
    message: 'the namespace of the provided object does not match the namespace sent on the request',
  },
  {
    name: 'an old resourceVersion',
    source: 'apiserver pkg/registry/generic/registry/store.go',
    on: 'svc',
    type: 'merge',
    body: { metadata: { resourceVersion: '1' } },
    code: 409,
    reason: 'Conflict',
    message:
      'Operation cannot be fulfilled on services "NAME": the object has been modified; please apply your changes to the latest version and try again',
  },
  {
    name: 'what makes it invalid',
    source: 'pkg/apis/core/validation',
    on: 'svc',
    type: 'merge',
    body: { spec: { ports: [{ port: 0 }] } },
    code: 422,
    reason: 'Invalid',
    message:
      /^Service "NAME" is invalid: \[spec\.ports\[0\]\.port: Invalid value: 0: must be between 1 and 65535, inclusive/,
  },
  {
    name: 'of what is not there',
    source: 'S/patch.go createNewObject',
    on: 'none',
    type: 'merge',
    body: {},
    code: 404,
    reason: 'NotFound',
    message: 'services "NAME" not found',
  },
  // Strategic merge patch
  {
    name: 'ports by port',
    source: 'k8s.io/api core/v1 patchMergeKey',
    on: 'svc',
    type: 'strategic',
    body: { spec: { ports: [{ port: 80, targetPort: 8080 }] } },
    code: 200,
    holds: { spec: { ports: [{ port: 80, protocol: 'TCP', targetPort: 8080 }] } },
  },
  {
    name: 'an unknown field, strict, shown as Go prints the patch',
    source: 'S/patch.go applyPatchToObject',
    on: 'svc',
    type: 'strategic',
    query: 'fieldValidation=Strict',
    body: { spec: { foo: 1 } },
    code: 422,
    reason: 'Invalid',
    message:
      ' "" is invalid: patch: Invalid value: "map[spec:map[foo:1]]": strict decoding error: unknown field "spec.foo"',
  },
];
