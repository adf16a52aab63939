/** `-rsigopt`: parameters of the response's signature. */
import type { KeyObject } from 'node:crypto';
import { atoi } from './grammar.js';
import type { QueueEntry } from './queue.js';
import type { Session } from './session.js';

/** What the parameters come to. */
export interface SignatureOptions {
  readonly pss: boolean;
  /** undefined: as long as the key allows. */
  readonly saltLength: number | undefined;
}

const PSS_ONLY = {
  code: '1C800088',
  library: 'Provider routines',
  reason: 'not supported',
  data: 'PSS saltlen can only be specified if PSS padding has been specified first',
};

const BAD_PADDING = { code: '1C8000A8', library: 'Provider routines', reason: 'invalid padding mode' };

function notSupported(name: string, value: string): QueueEntry {
  const data = `[action:2, state:4] name=${name}, value=${value}`;
  return { code: '03000093', library: 'digital envelope routines', reason: 'command not supported', data };
}

/** undefined when one of them is refused, which has been said then. `digestLength` is that of the signature's hash. */
export function readSignatureOptions(
  session: Session,
  options: readonly string[],
  key: KeyObject,
  digestLength: number,
): SignatureOptions | undefined {
  const isRsa = key.asymmetricKeyType === 'rsa' || key.asymmetricKeyType === 'rsa-pss';
  let pss = key.asymmetricKeyType === 'rsa-pss';
  let saltLength: number | undefined;
  for (const option of options) {
    const colon = option.indexOf(':');
    const [name, value] = [option.slice(0, colon), option.slice(colon + 1)];
    if (isRsa && name === 'rsa_padding_mode' && (value === 'pss' || (value === 'pkcs1' && !pss))) {
      pss = value === 'pss';
    } else if (isRsa && name === 'rsa_pss_saltlen' && pss && /^(digest|max|auto|\d{1,4})$/.test(value)) {
      if (value === 'digest') saltLength = digestLength;
      else saltLength = value === 'max' || value === 'auto' ? undefined : atoi(value);
    } else {
      session.say(`parameter error "${option}"`);
      if (isRsa && name === 'rsa_pss_saltlen' && !pss) session.push(PSS_ONLY);
      else if (isRsa && option === 'rsa_padding_mode:none') session.push(BAD_PADDING);
      else if (colon >= 0) session.push(notSupported(name, value));
      session.printErrors();
      return undefined;
    }
  }
  return { pss, saltLength };
}
