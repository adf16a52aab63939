// What a responder may say over HTTP, right and wrong, byte by byte: heads that no library of servers would send.

const TYPE = 'Content-Type: application/ocsp-response';
const OK = `HTTP/1.1 200 OK\r\n${TYPE}\r\n`;

/**
 * Everything that is sent in answer, by name.
 *
 * @param {Buffer} good - a response
 * @returns {Record<string, Buffer>}
 */
export function rawAnswers(good) {
  const length = good.length;
  const heads = {
    'bare-lf': `HTTP/1.0 200 OK\n${TYPE}\n\n`,
    'lf-behind-headers': `HTTP/1.0 200 OK\r\n${TYPE}\n\n`,
    'cr-only': `HTTP/1.1 200 OK\r${TYPE}\r\r`,
    'no-colon': `HTTP/1.0 200 OK\r\nX\r\n${TYPE}\r\n\r\n`,
    'nothing-before-the-colon': `HTTP/1.0 200 OK\r\n${TYPE}\r\n: x\r\n`,
    'space-before-the-colon': 'HTTP/1.1 200 OK\r\nContent-Type : application/ocsp-response\r\n\r\n',
    'space-before-the-name': `HTTP/1.1 200 OK\r\n ${TYPE}\r\n\r\n`,
    'no-space': 'HTTP/1.1 200 OK\r\nContent-Type:application/ocsp-response\r\n\r\n',
    'space-behind-the-type': `HTTP/1.1 200 OK\r\n${TYPE}  \r\n\r\n`,
    folded: `HTTP/1.1 200 OK\r\nX: a\r\n b\r\n${TYPE}\r\n\r\n`,
    'a-nul': `HTTP/1.1 200 OK\r\nX: a\0b\r\n${TYPE}\r\n\r\n`,
    'long-line': `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(5000)}\r\n${TYPE}\r\n\r\n`,
    'a-type-behind-4095': `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(4092)}${TYPE}\r\n\r\n`,
    'many-lines': `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(300)}${TYPE}\r\n\r\n`,
    'type-twice': `${OK}Content-Type: text/html\r\n\r\n`,
    'length-twice': `${OK}Content-Length: ${length}\r\nContent-Length: ${length}\r\n\r\n`,
    'two-lengths': `${OK}Content-Length: 5\r\nContent-Length: ${length}\r\n\r\n`,
    'length-of-letters': `${OK}Content-Length: abc\r\n\r\n`,
    'length-and-letters': `${OK}Content-Length:   ${length}x\r\n\r\n`,
    'no-length': `${OK}Content-Length:\r\n\r\n`,
    'length-of-zero': `${OK}Content-Length: 0\r\n\r\n`,
    'length-with-sign': `${OK}Content-Length: +${length}\r\n\r\n`,
    'length-below-zero': `${OK}Content-Length: -1\r\n\r\n`,
    'length-of-100-digits': `${OK}Content-Length: ${'9'.repeat(100)}\r\n\r\n`,
    'length-too-large': `${OK}Content-Length: 999999\r\n\r\n`,
    chunked: `${OK}Transfer-Encoding: chunked\r\n\r\n${length.toString(16)}\r\n`,
    'keep-alive': `HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n${TYPE}\r\n\r\n`,
    'no-reason': `HTTP/1.1 200\r\n${TYPE}\r\n\r\n`,
    'spaces-in-the-status': `HTTP/1.1  200  OK fine \r\n${TYPE}\r\n\r\n`,
    'tabs-in-the-status': `HTTP/1.1\t200\tOK\r\n${TYPE}\r\n\r\n`,
    'letters-in-the-status': `HTTP/1.1 200x OK\r\n${TYPE}\r\n\r\n`,
    'no-protocol': `200 OK\r\n${TYPE}\r\n\r\n`,
    'small-letters': `http/1.1 200 OK\r\n${TYPE}\r\n\r\n`,
    'http-1.2': `HTTP/1.2 200 OK\r\n${TYPE}\r\n\r\n`,
    'http-2': `HTTP/2 200 OK\r\n${TYPE}\r\n\r\n`,
    'an-empty-line-first': `\r\n${OK}\r\n`,
    'status-100': `HTTP/1.1 100 Continue\r\n\r\n${OK}\r\n`,
    'status-101': 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
    'status-103': `HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n${OK}\r\n`,
    'status-204': `HTTP/1.1 204 No Content\r\n${TYPE}\r\n\r\n`,
    'status-301': `HTTP/1.1 301 Moved\r\n${TYPE}\r\n\r\n`,
    'status-307': 'HTTP/1.1 307 Temporary Redirect\r\nLocation: /good\r\n\r\n',
    'status-404-lf': 'HTTP/1.1 404 Not Found\nX: y\n\n',
    'status-500-without-reason': `HTTP/1.0 500\r\n${TYPE}\r\n\r\n`,
    'status-2001': 'HTTP/1.1 2001 X\r\n\r\n',
    'status-below-zero': 'HTTP/1.1 -1 OK\r\n\r\n',
  };
  const withoutBody = {
    empty: '',
    'half-a-line': 'HTTP/1.1 20',
    'no-end-of-head': OK,
    'head-only': `${OK}\r\n`,
    'status-404-only': 'HTTP/1.1 404 Not Found\r\n',
    tls: '\x16\x03\x01\x00',
  };
  const bodies = {
    text: Buffer.from('hello'),
    'one-octet': good.subarray(0, 1),
    'half-a-length': good.subarray(0, 3),
    'half-a-message': good.subarray(0, 50),
    'more-behind': Buffer.concat([good, Buffer.from('more')]),
    'indefinite-length': Buffer.from('3080020101000000', 'hex'),
    'length-of-five-octets': Buffer.from('30850000000001020101', 'hex'),
    'length-of-one-mebibyte': Buffer.from('30831000000000', 'hex'),
    'an-error': Buffer.from('30030a0106', 'hex'),
  };
  return Object.fromEntries([
    ...Object.entries(heads).map(([name, head]) => [name, Buffer.concat([Buffer.from(head, 'latin1'), good])]),
    ...Object.entries(withoutBody).map(([name, head]) => [name, Buffer.from(head, 'latin1')]),
    ...Object.entries(bodies).map(([name, body]) => [name, Buffer.concat([Buffer.from(`${OK}\r\n`), body])]),
  ]);
}

/** The names of {@link rawAnswers}. */
export const RAW_NAMES = Object.keys(rawAnswers(Buffer.alloc(200)));
