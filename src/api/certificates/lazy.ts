/** For those that only sometimes look into a certificate request. */
import { lazy } from '../../util/lazy.ts';

export const certificateRequestModule = lazy(() => import('./request.ts'));
