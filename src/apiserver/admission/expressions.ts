/** All that judges by expressions, behind one door: CEL is loaded when the first webhook or policy needs it. */
import { lazy } from '../../util/lazy.ts';

export const expressions = lazy(() => import('./expression-modules.ts'));
