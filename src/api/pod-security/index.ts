/** The door of Pod Security: what a namespace's labels ask of its pods, and whether a pod does it. Pure. */
export { detailText, evaluate, reasonText } from './evaluate.ts';
export { asksForPodSecurity, minorOf, policyOf, sameLevel, stricter, textOf } from './policy.ts';
export type { Level, LevelVersion, Mode, Policy } from './policy.ts';
export type { PodLike, Violation } from './checks/index.ts';
