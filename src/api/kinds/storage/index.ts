/** storage.k8s.io/v1: what CSI drivers and the parts around them say to each other, stored. There are no volumes behind it. */
export { csiDriverKind } from './csidriver.ts';
export { csiNodeKind } from './csinode.ts';
export { csiStorageCapacityKind } from './csistoragecapacity.ts';
export { storageClassKind } from './storageclass.ts';
export { volumeAttachmentKind } from './volumeattachment.ts';
export { volumeAttributesClassKind } from './volumeattributesclass.ts';
