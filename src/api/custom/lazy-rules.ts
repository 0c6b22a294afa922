/** The door of rules/ for those that only sometimes go through it: CEL is not loaded before a definition has rules. */
import { lazy } from '../../util/lazy.ts';

export const rulesModule = lazy(() => import('./rules/index.ts'));
