/** Reads a list of Services into what the proxy keeps of them (list-reader.ts). */
import type { Service, ServiceSpec } from '../api/gen/types.ts';
import type { Live } from '../api/object.ts';
import { Names, NotPlain } from '../util/json-cursor.ts';
import type { JsonCursor } from '../util/json-cursor.ts';
import { LastValue, pageReader, plainMetadata } from './list-reader.ts';
import type { Metadata } from './list-reader.ts';
import { keptOfServices, packService, withoutSelector } from './pack.ts';

const ofService = new Names('metadata', 'spec', 'status');
const ofLabels = new Names(...keptOfServices.labels);
const ofAnnotations = new Names(...keptOfServices.annotations);
/** Most services have the same one, which says nothing. */
const statuses = new LastValue<Service['status']>();

export const readServices = pageReader<Service>({ plain: plainService, pack: packService });

function plainService(cursor: JsonCursor): Live<Service> {
  let metadata: Metadata | undefined;
  let spec: Service['spec'];
  let status: Service['status'];
  cursor.object();
  for (let name = cursor.name(ofService); name !== undefined; name = cursor.name(ofService)) {
    if (name === 'metadata') metadata = plainMetadata(cursor, ofLabels, ofAnnotations);
    else if (name === 'spec') spec = cursor.value() as ServiceSpec;
    else if (name === 'status') status = statuses.read(cursor);
    else cursor.skip();
  }
  if (metadata === undefined) throw new NotPlain('a service without metadata');
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    ...(spec === undefined ? {} : { spec: withoutSelector(spec) }),
    ...(status === undefined ? {} : { status }),
  };
}
