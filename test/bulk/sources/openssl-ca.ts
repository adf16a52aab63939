/** A certificate authority made by `openssl ca`: its database and its CRL, with every way to revoke that it has. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openssl } from '../../helpers/openssl-cli.js';

const CONFIG = (folder: string): string => `
[ca]
default_ca = test
[test]
dir = ${folder}
database = ${folder}/index.txt
serial = ${folder}/serial
crlnumber = ${folder}/crlnumber
new_certs_dir = ${folder}/certs
certificate = ${folder}/ca.pem
private_key = ${folder}/ca.key
default_md = sha256
default_days = 3650
default_crl_days = 30
policy = any
unique_subject = no
[any]
commonName = supplied
organizationName = optional
[req]
distinguished_name = dn
[dn]
`;

/** How the certificates are revoked; the last of the list stays good. */
export const REVOCATIONS: readonly (readonly string[])[] = [
  [],
  ['-crl_reason', 'unspecified'],
  ['-crl_reason', 'keyCompromise'],
  ['-crl_reason', 'CACompromise'],
  ['-crl_reason', 'affiliationChanged'],
  ['-crl_reason', 'superseded'],
  ['-crl_reason', 'cessationOfOperation'],
  ['-crl_reason', 'certificateHold'],
  ['-crl_hold', 'holdInstructionReject'],
  ['-crl_hold', '1.2.840.10040.2.2'],
  ['-crl_compromise', '20200102030405Z'],
  ['-crl_CA_compromise', '20210102030405Z'],
];

function run(args: string[]): void {
  const { status, stderr } = openssl(args);
  if (status !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr}`);
}

/** Makes the authority, an expired certificate, one for each of {@link REVOCATIONS}, and one that stays good. */
export function makeOpensslCa(folder: string): { index: string; crl: string; certificates: string[] } {
  const at = (name: string): string => join(folder, name);
  const config = at('ca.cnf');
  mkdirSync(at('certs'));
  writeFileSync(config, CONFIG(folder));
  writeFileSync(at('index.txt'), '');
  writeFileSync(at('serial'), '00F0\n');
  writeFileSync(at('crlnumber'), '01\n');
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-config', config];
  run(['req', '-x509', ...key, '-keyout', at('ca.key'), '-out', at('ca.pem'), '-subj', '/CN=CA', '-days', '3650']);
  run(['req', ...key, '-keyout', at('ee.key'), '-out', at('ee.csr'), '-subj', '/O=tab\there/CN=subject']);
  const ca = ['ca', '-batch', '-config', config, '-notext'];
  const past = ['-startdate', '20200101000000Z', '-enddate', '20200601000000Z'];
  const certificates: string[] = [];
  for (let i = 0; i < REVOCATIONS.length + 2; i += 1) {
    const out = at(`${i}.pem`);
    run([...ca, '-in', at('ee.csr'), '-out', out, ...(i === REVOCATIONS.length + 1 ? past : [])]);
    certificates.push(out);
  }
  for (const [i, how] of REVOCATIONS.entries()) run([...ca, '-revoke', at(`${i}.pem`), ...how]);
  run([...ca, '-updatedb']);
  run([...ca, '-gencrl', '-out', at('crl.pem')]);
  return { index: at('index.txt'), crl: at('crl.pem'), certificates };
}

/** Lines of a database. */
export function lines(path: string): string[] {
  return readFileSync(path, 'latin1').split('\n').slice(0, -1);
}
