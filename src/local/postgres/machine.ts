/** What decides which server runs on this computer. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly arch: string;
  /** Linux with musl (Alpine), where the glibc binaries of the packages cannot run. */
  readonly musl: boolean;
}

export function thisMachine(): Machine {
  return { platform: process.platform, arch: process.arch, musl: isMusl() };
}

/** Node's own report names glibc's version where it runs on glibc. */
function isMusl(): boolean {
  if (process.platform !== 'linux') return false;
  // Without this the report looks up the names of all open sockets (Node 20.13 and later).
  (process.report as { excludeNetwork?: boolean }).excludeNetwork = true;
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return report.header?.glibcVersionRuntime === undefined;
}
