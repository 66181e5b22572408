/** What of a client's certificate tells who it is. */
export interface CertificateNames {
  readonly subject?: { readonly CN?: string | string[] };
  readonly subjectaltname?: string;
}

/**
 * The region that a verified certificate names: its one common name, which must stand among its DNS names as well. Undefined for a certificate
 * that names nobody or several.
 */
export function regionNamed(certificate: CertificateNames): string | undefined {
  const name = certificate.subject?.CN;
  if (typeof name !== 'string' || name === '') return undefined;
  const names = (certificate.subjectaltname ?? '').split(',').map((part) => part.trim());
  return names.includes(`DNS:${name}`) ? name : undefined;
}
