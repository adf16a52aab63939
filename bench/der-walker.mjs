// A plain walker over DER in JavaScript: what reading a message costs that is taken at its word. It goes from element to
// element to those that are asked for, checks nothing but that they lie within the bytes, and gives views on the caller's bytes.

/** Loads a response and reads status, serial number, times and responder id. */
export function walkResponse(bytes) {
  const walker = new Walker(bytes);
  // OCSPResponse, responseStatus, [0], ResponseBytes, responseType, response, BasicOCSPResponse, tbsResponseData
  walker.enter();
  if (walker.enumerated() !== 0) throw new Error('an unsuccessful response');
  walker.enter();
  walker.enter();
  walker.skip();
  walker.enter();
  walker.enter();
  walker.enter();
  if (walker.tag === 0xa0) walker.skip();
  walker.enter();
  const responderId = walker.content();
  const producedAt = walker.time();
  // responses, SingleResponse, certID, hashAlgorithm, issuerNameHash, issuerKeyHash
  walker.enter();
  walker.enter();
  walker.enter();
  walker.skip();
  walker.skip();
  walker.skip();
  const serialNumber = walker.integer();
  const status = walker.tag & 0x1f;
  walker.skip();
  const thisUpdate = walker.time();
  let nextUpdate = null;
  if (walker.tag === 0xa0) {
    walker.enter();
    nextUpdate = walker.time();
  }
  return [status, serialNumber, producedAt, thisUpdate, nextUpdate, responderId];
}

/** Loads a request and reads the CertID. */
export function walkRequest(bytes) {
  const walker = new Walker(bytes);
  // OCSPRequest, tbsRequest; version, requestorName; requestList, Request, reqCert, hashAlgorithm, algorithm
  walker.enter();
  walker.enter();
  if (walker.tag === 0xa0) walker.skip();
  if (walker.tag === 0xa1) walker.skip();
  walker.enter();
  walker.enter();
  walker.enter();
  const end = walker.enter();
  const hashAlgorithm = HASHES.get(walker.content().toString('latin1'));
  walker.at = end;
  return [walker.content(), walker.content(), hashAlgorithm, walker.integer()];
}

const HASHES = new Map([
  ['\x2b\x0e\x03\x02\x1a', 'sha1'],
  ['\x60\x86\x48\x01\x65\x03\x04\x02\x01', 'sha256'],
]);

class Walker {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  get tag() {
    return this.bytes[this.at];
  }

  /** Goes to the content of an element, and returns where that ends. */
  enter() {
    const { bytes } = this;
    let length = bytes[this.at + 1];
    this.at += 2;
    if (length >= 0x80) {
      let octets = length & 0x7f;
      for (length = 0; octets > 0; octets -= 1) length = length * 0x100 + bytes[this.at++];
    }
    const end = this.at + length;
    if (!(end <= bytes.length)) throw new Error('beyond the end');
    return end;
  }

  skip() {
    this.at = this.enter();
  }

  content() {
    const end = this.enter();
    const content = this.bytes.subarray(this.at, end);
    this.at = end;
    return content;
  }

  enumerated() {
    return this.content()[0];
  }

  integer() {
    return BigInt(`0x${this.content().toString('hex')}`);
  }

  /** YYYYMMDDHHMMSSZ */
  time() {
    const end = this.enter();
    const { bytes, at } = this;
    const two = (i) => 10 * (bytes[at + i] - 0x30) + bytes[at + i + 1] - 0x30;
    this.at = end;
    return new Date(Date.UTC(100 * two(0) + two(2), two(4) - 1, two(6), two(8), two(10), two(12)));
  }
}
