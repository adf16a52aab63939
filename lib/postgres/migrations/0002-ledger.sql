-- Who signs what: a job is cut into ranges of serial numbers, which workers lease.

CREATE TABLE ocsp_range (
  job text NOT NULL,
  id text NOT NULL,
  position int8 GENERATED ALWAYS AS IDENTITY,
  -- 0 open, 1 leased, 2 done, 3 failed.
  state int2 NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 3),
  attempt int4 NOT NULL DEFAULT 0,
  -- How far an attempt has been noted to be; the next one goes on from there.
  last_serial text,
  -- By the clock of this server, which is the only one that counts.
  expires_at timestamptz,
  -- Certificates in it when the job was cut, where that is known, and those that are signed.
  certificates int8,
  signed int8 NOT NULL DEFAULT 0,
  owner text,
  error text,
  PRIMARY KEY (job, id)
) WITH (fillfactor = 50);
