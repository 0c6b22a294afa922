/** Where the tests find the project and keep tools that they unpacked. */
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

/** The project's root, with a slash at the end. */
export const projectRoot = fileURLToPath(new URL('../../', import.meta.url));
export const launcher = join(projectRoot, 'portolan');
export const toolCache = join(projectRoot, 'node_modules/.cache/tools');
