/**
 * The door of the image store: OCI images on disk, shared by all nodes of the machine.
 *
 *   openImages(dir)          ── list, get, load, pull, remove, rootfsLayers
 *   isHostImage(reference)   ── the built-in image `portolan.local/host`: this machine's own root
 */
export { openImages } from './store.ts';
export type { Image, ImageStore, ImageConfig, PullOptions } from './types.ts';
export { hostImage, hostSeed, hostSubmounts, isHostImage } from './host-image.ts';
export { normalizeReference } from './reference.ts';
