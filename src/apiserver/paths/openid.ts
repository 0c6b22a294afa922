/**
 * OpenID Connect discovery: with these two documents anybody can check a ServiceAccount's token without asking this server.
 * Upstream: pkg/serviceaccount/openidmetadata.go, pkg/routes/openidmetadata.go.
 */
import { issuer, publicJwk } from '../auth/tokens.ts';
import type { Exchange } from '../context.ts';
import { send } from '../http/respond.ts';

const maxAge = 'public, max-age=3600';
const keysPath = '/openid/v1/jwks';
const configurationPath = '/.well-known/openid-configuration';

/** False: not one of the two. */
export async function serveOpenId(exchange: Exchange): Promise<boolean> {
  const { server } = exchange;
  const path = exchange.path.replace(/\/$/, '');
  if (path !== configurationPath && path !== keysPath) return false;
  const jwk = await publicJwk(server.pki);
  const [address = ''] = server.options.listen;
  const host = `${server.options.advertiseAddress}:${address.slice(address.lastIndexOf(':') + 1)}`;
  const isKeys = path === keysPath;
  const document = isKeys
    ? { keys: [jwk] }
    : {
        issuer,
        jwks_uri: `https://${host}${keysPath}`,
        response_types_supported: ['id_token'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: [jwk.alg],
      };
  await send(exchange, 200, isKeys ? 'application/jwk-set+json' : 'application/json', JSON.stringify(document), [], {
    'cache-control': maxAge,
  });
  return true;
}
