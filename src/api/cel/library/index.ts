/** All functions that expressions in Kubernetes 1.36 have: apiserver/pkg/cel/environment/base.go. */
import { declare } from '../signature.ts';
import type { Functions } from '../signature.ts';
import { authorizer } from './authorizer.ts';
import { kubernetes } from './kubernetes.ts';
import { lists } from './lists.ts';
import { network } from './network.ts';
import { standard } from './standard.ts';
import { strings } from './strings.ts';
import { times } from './time.ts';

export { AuthorizerValue, ResourceCheck } from './authorizer.ts';
export type { Asked, Decide } from './authorizer.ts';
export { FormatValue } from './kubernetes.ts';

let known: Functions | undefined;

export function allFunctions(): Functions {
  known ??= declare([
    ...standard(),
    ...times(),
    ...strings(),
    ...lists(),
    ...network(),
    ...kubernetes(),
    ...authorizer(),
  ]);
  return known;
}
