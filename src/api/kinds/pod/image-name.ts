/**
 * Does an image name mean the latest? No tag and no digest does; what is no image name does not, since upstream cannot tell its tag.
 * Upstream: pkg/util/parsers ParseImageName, github.com/distribution/reference ParseNormalizedNamed.
 */
const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const repository = new RegExp(`^${component}(?:/${component})*$`);
const domainLabel = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const registry = new RegExp(`^(?:${domainLabel}(?:\\.${domainLabel})*|\\[[a-fA-F0-9:]+\\])(?::\\d+)?$`);
const parts = /^(.*?)(?::(\w[\w.-]{0,127}))?(?:@([A-Za-z]\w*(?:[-_+.][A-Za-z]\w*)*:[0-9a-fA-F]{32,}))?$/;

export function hasLatestTag(image: string): boolean {
  if (/^[a-f0-9]{64}$/.test(image)) return false;
  const [, name = '', tag, digest] = parts.exec(image) ?? [];
  return isName(name) && (tag === 'latest' || (tag === undefined && digest === undefined));
}

const mostNameBytes = 255;

function isName(name: string): boolean {
  if (name.length > mostNameBytes) return false;
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(slash, 0));
  const isRegistry = slash >= 0 && (/[.:]/.test(first) || first === 'localhost' || first.toLowerCase() !== first);
  if (!isRegistry) return repository.test(name);
  return registry.test(first) && repository.test(name.slice(slash + 1));
}
