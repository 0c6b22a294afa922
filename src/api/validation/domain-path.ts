/** `acme.io/foo`: a name that belongs to a domain. Upstream: IsDomainPrefixedPath. */
import type { FieldError } from '../field-errors.ts';
import { invalidField, requiredField } from '../field-errors.ts';
import { whyNotDns1123Subdomain } from './names.ts';

const pathPattern = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";
const wholePath = new RegExp(`^${pathPattern}$`);

export function validateDomainPath(text: string, field: string): FieldError[] {
  if (text === '') return [requiredField(field)];
  const slash = text.indexOf('/');
  const [host, path] = [text.slice(0, slash), text.slice(slash + 1)];
  if (slash <= 0 || path === '') {
    return [invalidField(field, text, 'must be a domain-prefixed path (such as "acme.io/foo")')];
  }
  const errors = whyNotDns1123Subdomain(host).map((why) => invalidField(field, host, why));
  if (wholePath.test(path)) return errors;
  return [...errors, invalidField(field, path, `Invalid path (regex used for validation is '${pathPattern}')`)];
}
