import { BlockList, isIP } from 'node:net';
import { DEFAULT_INDEX_URL, DEFAULT_REGISTRY_URL } from '../../crds/dependencies.ts';

/** Which hosts the control plane asks for packages on behalf of sandboxes. It stands in networks that sandboxes must not reach. */
export interface IndexPolicy {
  /** What takes the place of PyPI, such as a mirror. */
  readonly pythonIndexUrl: string;
  /** What takes the place of the npm registry. */
  readonly npmRegistryUrl: string;
  /** Hosts that may be private and spoken to without TLS, with a port where it is not the usual one; those of the two above are. */
  readonly trustedHosts: readonly string[];
  /** Whether a sandbox may name an index of its own: any public one, only trusted ones, or none. */
  readonly otherIndexes: 'public' | 'trusted' | 'none';
}

export const DEFAULT_INDEX_POLICY: IndexPolicy = {
  pythonIndexUrl: DEFAULT_INDEX_URL,
  npmRegistryUrl: DEFAULT_REGISTRY_URL,
  trustedHosts: [],
  otherIndexes: 'public',
};

/** Why an index that a sandbox names may not be used; undefined: it may. */
export function indexProblem(text: string, policy: IndexPolicy): string | undefined {
  const url = URL.parse(text);
  if (url === null) return 'it is no URL';
  if (isDefault(text)) return undefined;
  if (policy.otherIndexes === 'none') return 'only the default index may be used here';
  if (policy.otherIndexes === 'trusted' && !isTrusted(url, policy)) {
    return `${url.host} is not among the hosts that may be used here`;
  }
  return urlProblem(url, policy);
}

/** The address behind an index that a sandbox names: a mirror stands in for the public ones. */
export function upstreamOf(text: string, policy: IndexPolicy): string {
  if (sameAddress(text, DEFAULT_INDEX_URL)) return policy.pythonIndexUrl;
  return sameAddress(text, DEFAULT_REGISTRY_URL) ? policy.npmRegistryUrl : text;
}

/** Why a URL may not be asked, by what can be seen of it; what its name resolves to is checked when connecting. */
export function urlProblem(url: URL, policy: IndexPolicy): string | undefined {
  if (url.username !== '' || url.password !== '') return 'an address must not hold credentials';
  if (isTrusted(url, policy)) {
    return /^https?:$/.test(url.protocol) ? undefined : `${url.protocol} is not spoken here`;
  }
  if (url.protocol !== 'https:') return `${url.host} is asked over https only`;
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  if (isIP(host) !== 0) return 'an address must be a name, not a number';
  return isLocalName(host) ? `${host} is not a public name` : undefined;
}

/** Why `from`, which a sandbox may have chosen, must not lead to `to`. */
export function wayProblem(from: URL, to: URL, policy: IndexPolicy): string | undefined {
  if (!isTrusted(to, policy) || isTrusted(from, policy)) return undefined;
  return `${from.host} must not lead to ${to.host}`;
}

/** Whether the operator of this installation named the host. */
export function isTrusted(url: URL, policy: IndexPolicy): boolean {
  const own = [policy.pythonIndexUrl, policy.npmRegistryUrl]
    .filter((text) => !isDefault(text))
    .map((text) => URL.parse(text)?.host);
  return [...policy.trustedHosts, ...own].includes(url.host);
}

function isDefault(text: string): boolean {
  return sameAddress(text, DEFAULT_INDEX_URL) || sameAddress(text, DEFAULT_REGISTRY_URL);
}

function sameAddress(one: string, other: string): boolean {
  return URL.parse(one)?.href.replace(/\/*$/, '') === other.replace(/\/*$/, '');
}

/** Names that only mean something inside of a network. */
function isLocalName(host: string): boolean {
  return !host.includes('.') || /\.(localhost|local|internal|svc|cluster\.local)$/i.test(host);
}

/** A list each: one of both would take every IPv4 address for the mapped one that it is in IPv6. */
const NOT_PUBLIC = { ipv4: new BlockList(), ipv6: new BlockList() };
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  NOT_PUBLIC.ipv4.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  ['::', 96],
  // What carries an IPv4 address within: it would have to be looked at twice.
  ['::ffff:0:0', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['2001::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const) {
  NOT_PUBLIC.ipv6.addSubnet(network, prefix, 'ipv6');
}

/** Whether an address is one of the internet, not of a machine, a network or a cloud's metadata. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 0) return false;
  return family === 4
    ? !NOT_PUBLIC.ipv4.check(address, 'ipv4')
    : !NOT_PUBLIC.ipv6.check(address, 'ipv6');
}
