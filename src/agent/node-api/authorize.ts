/** Who may call the node's API: the certificate is signed by the cluster's CA already, here its names decide. */

/** What the API server's own client certificate is called: ours, and kubeadm's. */
const defaultNames = ['portolan-apiserver-kubelet-client', 'kube-apiserver-kubelet-client'];

export function mayCall(
  subject: { readonly CN?: string | string[]; readonly O?: string | string[] } | undefined,
  allowedNames: readonly string[] = defaultNames,
): boolean {
  if (subject === undefined) return false;
  const names = [subject.CN ?? []].flat();
  const organizations = [subject.O ?? []].flat();
  return organizations.includes('system:masters') || names.some((name) => allowedNames.includes(name));
}
