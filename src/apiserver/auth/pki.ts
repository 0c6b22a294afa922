/** The certificates and keys in `pkiDir`, read once at start. A missing file is named. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Pki {
  readonly ca: Buffer;
  readonly serverCert: Buffer;
  readonly serverKey: Buffer;
  /** Shown to node agents. */
  readonly clientCert: Buffer;
  readonly clientKey: Buffer;
  /** PEM; signs and verifies ServiceAccount tokens. */
  readonly tokenKey: string;
  readonly tokenPublicKey: string;
  /** Shown to extension servers, whom it tells who the user is; absent: nobody made it. */
  readonly frontProxy?: FrontProxy;
}

export interface FrontProxy {
  /** PEM: what vouches for the certificate. */
  readonly ca: string;
  readonly cert: Buffer;
  readonly key: Buffer;
}

export function readPki(dir: string): Pki {
  const read = (name: string): Buffer => {
    try {
      return readFileSync(join(dir, name));
    } catch (error) {
      throw new Error(`pkiDir: ${join(dir, name)} cannot be read; \`portolan up\` writes it`, { cause: error });
    }
  };
  return {
    ca: read('ca.crt'),
    serverCert: read('apiserver.crt'),
    serverKey: read('apiserver.key'),
    clientCert: read('apiserver-kubelet-client.crt'),
    clientKey: read('apiserver-kubelet-client.key'),
    tokenKey: read('sa.key').toString('utf8'),
    tokenPublicKey: read('sa.pub').toString('utf8'),
    ...(existsSync(join(dir, 'front-proxy-client.crt'))
      ? {
          frontProxy: {
            ca: read('front-proxy-ca.crt').toString('utf8'),
            cert: read('front-proxy-client.crt'),
            key: read('front-proxy-client.key'),
          },
        }
      : {}),
  };
}
