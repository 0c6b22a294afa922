/** storage.k8s.io/v1 VolumeAttachment. Upstream: ValidateVolumeAttachment, pkg/registry/storage/volumeattachment. */
import type { VolumeAttachment, VolumeError } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { forbiddenField, invalidField, requiredField, tooLongField } from '../../field-errors.ts';
import { defineKind } from '../../kind.ts';
import { resources } from '../../resources.ts';
import {
  byteLength,
  dns1123SubdomainName,
  validateMetadata,
  validateMetadataUpdate,
  whyNotDns1123Subdomain,
} from '../../validation/index.ts';
import { ageColumn, column, nameColumn } from '../columns.ts';
import { keepsStatus, statusOnly, validateImmutable } from '../lifecycle.ts';
import { validateDriverName } from './driver-name.ts';

const mostMetadataBytes = 256 * 1024;
const mostMessageBytes = 1024;

export const volumeAttachmentKind = defineKind<VolumeAttachment>({
  resource: resources.volumeAttachments,
  returnsDeleted: true,
  ...keepsStatus<VolumeAttachment>({ attached: false }),
  validate,
  validateUpdate: (now, old) => [
    ...validateMetadataUpdate(now, old),
    ...validate(now),
    ...validateImmutable(now.spec, old.spec, 'spec'),
  ],
  status: statusOnly<VolumeAttachment>(validateStatus),
  columns: [
    nameColumn(),
    {
      ...column<VolumeAttachment>(
        'Attacher',
        'attacher indicates the name of the volume driver that MUST handle this request. This is the name returned by GetPluginName().',
        ({ spec }) => spec.attacher,
      ),
      format: 'name',
    },
    column(
      'PV',
      'persistentVolumeName represents the name of the persistent volume to attach.',
      ({ spec }) => spec.source.persistentVolumeName ?? '',
    ),
    column('Node', 'nodeName represents the node that the volume should be attached to.', ({ spec }) => spec.nodeName),
    {
      name: 'Attached',
      type: 'boolean',
      description:
        'attached indicates the volume is successfully attached. This field must only be set by the entity completing the attach operation, i.e. the external-attacher.',
      priority: 0,
      cell: ({ status }) => status?.attached ?? false,
    },
    ageColumn(),
  ],
});

function validate(attachment: VolumeAttachment): FieldError[] {
  const { attacher, nodeName = '', source = {} } = attachment.spec;
  const { inlineVolumeSpec, persistentVolumeName } = source;
  const errors = validateMetadata(attachment, false, dns1123SubdomainName);
  errors.push(...validateDriverName(attacher, 'spec.attacher'));
  const why = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';
  if (inlineVolumeSpec === undefined && persistentVolumeName === undefined) {
    errors.push(requiredField('spec.source', why));
  }
  if (inlineVolumeSpec !== undefined && persistentVolumeName !== undefined) {
    errors.push(forbiddenField('spec.source', why));
  }
  errors.push(...whyNotDns1123Subdomain(nodeName).map((text) => invalidField('spec.nodeName', nodeName, text)));
  errors.push(...validateStatus(attachment));
  if (persistentVolumeName === undefined) return errors;
  const field = 'spec.source.persistentVolumeName';
  if (persistentVolumeName === '' && inlineVolumeSpec === undefined) {
    errors.push(requiredField(field, 'must specify non empty persistentVolumeName'));
  }
  return [
    ...errors,
    ...whyNotDns1123Subdomain(persistentVolumeName).map((text) => invalidField(field, persistentVolumeName, text)),
  ];
}

function validateStatus({ status }: VolumeAttachment): FieldError[] {
  const entries = Object.entries(status?.attachmentMetadata ?? {});
  const size = entries.reduce((sum, [key, value]) => sum + byteLength(key) + byteLength(value), 0);
  return [
    ...(size > mostMetadataBytes ? [tooLongField('status.attachmentMetadata', mostMetadataBytes)] : []),
    ...validateError(status?.attachError, 'status.attachError'),
    ...validateError(status?.detachError, 'status.detachError'),
  ];
}

function validateError(error: VolumeError | undefined, at: string): FieldError[] {
  const { message = '', errorCode } = error ?? {};
  return [
    // Upstream names the other limit here.
    ...(byteLength(message) > mostMessageBytes ? [tooLongField(`${at}.message`, mostMetadataBytes)] : []),
    ...(errorCode !== undefined && errorCode < 0
      ? [invalidField(`${at}.errorCode`, errorCode, 'must be between 0 and 2147483647, inclusive')]
      : []),
  ];
}
