/**
 * What a PKCS#10 certificate request says, for those who decide whether it is good: admission and the signers. Loads its library,
 * which takes long: come through `lazy.ts`, or by import() when there is a request.
 */
import 'reflect-metadata';
import { Pkcs10CertificateRequest, SubjectAlternativeNameExtension } from '@peculiar/x509';

export interface RequestFacts {
  readonly organizations: readonly string[];
  readonly commonName: string;
  readonly dnsNames: readonly string[];
  readonly addresses: readonly string[];
  readonly emails: readonly string[];
  readonly uris: readonly string[];
}

/** `request`: PEM. Throws where it is no request. */
export function requestFacts(request: string): RequestFacts {
  const { subjectName, extensions } = new Pkcs10CertificateRequest(request);
  const names = extensions.flatMap((extension) =>
    extension instanceof SubjectAlternativeNameExtension ? [...extension.names.items] : [],
  );
  const of = (type: string): string[] => names.filter((name) => name.type === type).map(({ value }) => value);
  return {
    organizations: subjectName.getField('O'),
    commonName: subjectName.getField('CN').at(-1) ?? '',
    dnsNames: of('dns'),
    addresses: of('ip'),
    emails: of('email'),
    uris: of('url'),
  };
}
