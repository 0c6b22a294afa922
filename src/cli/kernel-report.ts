/** Asks the kernel folder what is missing; loaded only when somebody asks. */
import type { KernelReport } from '../kernel/index.ts';

export async function kernelReport(): Promise<KernelReport> {
  const unprivileged = { feature: 'not looked at', fix: 'run it as root: sudo ./portolan doctor' };
  if (process.getuid?.() !== 0) return { missing: [unprivileged] };
  const { probeKernel } = await import('../kernel/index.ts');
  return probeKernel();
}
