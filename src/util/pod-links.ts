/** How the node's ends of our pods' links begin: the agent names them, the proxy's rules know them by it. */
export const podLinks = 'veth';
