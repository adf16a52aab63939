import { native, layout } from '#dist/binding.js';
import { copyInput, Parsed, INTERNAL } from '#dist/ocsp/message.js';
import { takeResponseOffsets } from '#dist/ocsp/layout.js';
import { loadDerOcspResponse } from 'openssl-ocsp';
import fs from 'node:fs';
const D='test/vectors/reference/x509/ocsp/';
const cert=fs.readFileSync(D+'resp-delegate-unknown-cert.der'), key=fs.readFileSync(D+'resp-responder-key-hash.der');
function bench(name,n,f){for(let i=0;i<n/5;i++)f();const r=[];for(let k=0;k<7;k++){const t=process.cpuUsage();for(let i=0;i<n;i++)f();const u=process.cpuUsage(t);r.push((u.user+u.system)*1000/n)}r.sort((a,b)=>a-b);console.log(name.padEnd(30),r[1].toFixed(0),'ns')}
const b1=copyInput(cert), b2=copyInput(key);
function take2(){const a=new Array(40);for(let i=0;i<40;i++)a[i]=layout[i];return a}
bench('native parse key',3e5,()=>native.parseResponse(b2,false));
bench('native parse cert',3e5,()=>native.parseResponse(b1,false));
bench('copy key',3e5,()=>copyInput(key));
bench('copy cert',3e5,()=>copyInput(cert));
bench('take',3e5,takeResponseOffsets);
bench('take2',3e5,take2);
bench('load key',3e5,()=>loadDerOcspResponse(key));
bench('load cert',3e5,()=>loadDerOcspResponse(cert));
const r=loadDerOcspResponse(key);
for(const k of ['certificateStatus','serialNumber','producedAt','thisUpdate','nextUpdate','responderKeyHash','issuerKeyHash','hashAlgorithm'])bench(k,3e5,()=>r[k]);
bench('all key',3e5,()=>{const r=loadDerOcspResponse(key);return [r.certificateStatus,r.serialNumber,r.producedAt,r.thisUpdate,r.nextUpdate,r.responderKeyHash]});
