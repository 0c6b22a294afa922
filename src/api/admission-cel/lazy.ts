/** The door of this folder for those that only sometimes go through it. */
import { lazy } from '../../util/lazy.ts';

export const admissionCel = lazy(() => import('./index.ts'));
