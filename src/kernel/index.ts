/**
 * The door to what JavaScript can't do by itself: network namespaces, nftables, conntrack, sockets made elsewhere.
 */
export { enterNetns, withNetns } from './netns.ts';
export { NftError, openNft } from './nft.ts';
export type { Nft } from './nft.ts';
export { NetlinkError } from './netlink.ts';
export { openNftElements } from './nft-elements.ts';
export type {
  ElementChange,
  ListedElement,
  NftElement,
  NftElements,
  NftFamily,
  TablePart,
  Verdict,
} from './nft-elements.ts';
export { partOf } from './element-view.ts';
export type { ElementView } from './element-view.ts';
export { openConntrack } from './conntrack.ts';
export type { Conntrack, Flow, FlowFilter, FlowHandle, FlowSide } from './conntrack.ts';
export { giveBack, staySmall } from './memory.ts';
export { socketsIn } from './socket.ts';
export type { SocketFactory } from './socket.ts';
export { probeKernel } from './probe.ts';
export type { KernelReport, MissingFeature } from './probe.ts';
export { hasSctp } from './sctp.ts';
