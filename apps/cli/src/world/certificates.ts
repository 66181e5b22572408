import 'reflect-metadata';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { writePrivately } from './settings.js';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const yearMs = 365 * 24 * 3600_000;
const renewMs = 30 * 24 * 3600_000;

/** Paths of a certificate and its private key, PEM. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** The authority of a world: regions trust each other by its signature. Made on the first start, kept for ten years. */
export async function ensureAuthority(folder: string, nowMs: number): Promise<CertificateFiles> {
  const files = { cert: join(folder, 'ca.pem'), key: join(folder, 'ca.key') };
  if (isValid(files, nowMs)) return files;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const keys = await newKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=Isochrone world authority',
    notBefore: new Date(nowMs - 60_000),
    notAfter: new Date(nowMs + 10 * yearMs),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  await save(files, certificate, keys.privateKey);
  return files;
}

/** A region's certificate, signed by the authority; renewed when it is about to end, or when another authority signed it. */
export async function ensureCertificate(
  folder: string,
  region: string,
  authority: CertificateFiles,
  nowMs: number,
): Promise<CertificateFiles> {
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'tls.key') };
  const issuer = new X509Certificate(readFileSync(authority.cert, 'utf8'));
  if (
    isValid(files, nowMs) &&
    (await new X509Certificate(readFileSync(files.cert, 'utf8')).verify({ publicKey: issuer, signatureOnly: true }))
  )
    return files;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const keys = await newKeys();
  const certificate = await X509CertificateGenerator.create({
    subject: `CN=${region}`,
    issuer: issuer.subject,
    notBefore: new Date(nowMs - 60_000),
    notAfter: new Date(nowMs + yearMs),
    publicKey: keys.publicKey,
    signingKey: await importKey(authority.key),
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
      new SubjectAlternativeNameExtension([
        { type: 'dns', value: region },
        { type: 'dns', value: 'localhost' },
        { type: 'ip', value: '127.0.0.1' },
      ]),
    ],
  });
  await save(files, certificate, keys.privateKey);
  return files;
}

/** Whether both files are there, belong to each other in time, and last for a while. */
function isValid(files: CertificateFiles, nowMs: number): boolean {
  if (!existsSync(files.cert) || !existsSync(files.key)) return false;
  try {
    const { notBefore, notAfter } = new X509Certificate(readFileSync(files.cert, 'utf8'));
    return notBefore.getTime() <= nowMs && notAfter.getTime() - renewMs > nowMs;
  } catch {
    return false; // An unreadable certificate is replaced, like one that is too old.
  }
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

function importKey(file: string): Promise<webcrypto.CryptoKey> {
  const [der] = PemConverter.decode(readFileSync(file, 'utf8'));
  if (!der) throw new Error(`${file} holds no key`);
  return webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
}

/** Writes the key before the certificate: a pair is there only when both are. */
async function save(files: CertificateFiles, certificate: X509Certificate, key: webcrypto.CryptoKey): Promise<void> {
  const der = await webcrypto.subtle.exportKey('pkcs8', key);
  writePrivately(files.key, `${PemConverter.encode(der, 'PRIVATE KEY')}\n`);
  writePrivately(files.cert, `${certificate.toString('pem')}\n`);
}
