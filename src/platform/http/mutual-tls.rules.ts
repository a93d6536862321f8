/** What a connection may keep for mutual TLS beside what its preset asks for, and what each is for. */
export const MUTUAL_TLS: Readonly<Record<string, string>> = {
  client_certificate:
    'Only where the supplier wants mutual TLS: our private key without a passphrase and our certificate with its chain, as PEM, in one text',
  server_authorities:
    'Only where the supplier’s own certificate comes from a private authority: the certificates of its authorities, as PEM',
};
