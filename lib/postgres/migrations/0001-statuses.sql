-- Issuers, and the status of each certificate that they have issued.

-- A CA with a new key, or a new name, is another issuer.
CREATE TABLE ocsp_issuer (
  id int4 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- For people. What counts are the hashes.
  name text NOT NULL,
  -- SHA-256 of the DER of the subject of the CA's certificate, and of its public key as CertIDs hash it.
  name_hash bytea NOT NULL CHECK (octet_length(name_hash) = 32),
  key_hash bytea NOT NULL CHECK (octet_length(key_hash) = 32),
  UNIQUE (name_hash, key_hash)
);

-- A certificate that has no row was never issued. The columns of 8 bytes come first, so that none is lost between them.
CREATE TABLE ocsp_status (
  -- Grows with every change of the row: by 1, or to the seconds since 1970-01-01 UTC. Set by the trigger.
  version int8 NOT NULL,
  -- The transaction that made the last change; null for a certificate that has always been good. Set by the trigger.
  txid xid8,
  revoked_at timestamptz CHECK (isfinite(revoked_at)),
  issuer int4 NOT NULL REFERENCES ocsp_issuer,
  -- 0 good, 1 revoked, 2 unknown.
  status int2 NOT NULL,
  -- CRLReason (RFC 5280 section 5.3.1).
  reason int2 CHECK (reason IN (0, 1, 2, 3, 4, 5, 6, 8, 9, 10)),
  -- The number without leading zeros, most significant byte first: ocsp_serial('04d2').
  serial bytea NOT NULL
    CONSTRAINT serial_without_leading_zeros CHECK (octet_length(serial) = 1 OR get_byte(serial, 0) > 0)
    CONSTRAINT serial_of_1_to_255_bytes CHECK (octet_length(serial) BETWEEN 1 AND 255),
  -- DER of singleExtensions, a SEQUENCE OF Extension.
  extensions bytea,
  PRIMARY KEY (issuer, serial),
  CONSTRAINT revoked_has_a_time CHECK (CASE status
    WHEN 1 THEN revoked_at IS NOT NULL
    WHEN 0 THEN revoked_at IS NULL AND reason IS NULL
    WHEN 2 THEN revoked_at IS NULL AND reason IS NULL
    ELSE false END),
  CONSTRAINT changed_by_a_transaction CHECK (status = 0 OR txid IS NOT NULL)
);

-- What readers of the news look for. Certificates that have always been good are not in it.
CREATE INDEX ocsp_status_news ON ocsp_status (issuer, txid) WHERE txid IS NOT NULL;

CREATE FUNCTION ocsp_status_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  now_version int8 := floor(date_part('epoch', clock_timestamp()));
BEGIN
  IF TG_OP = 'INSERT' THEN
    NEW.version := now_version;
    NEW.txid := CASE WHEN NEW.status = 0 THEN NULL ELSE pg_current_xact_id() END;
  ELSIF (NEW.issuer, NEW.serial) IS DISTINCT FROM (OLD.issuer, OLD.serial) THEN
    RAISE EXCEPTION 'a status belongs to its certificate: delete the row and insert another one'
      USING ERRCODE = 'check_violation';
  ELSIF (NEW.status, NEW.revoked_at, NEW.reason, NEW.extensions)
      IS NOT DISTINCT FROM (OLD.status, OLD.revoked_at, OLD.reason, OLD.extensions) THEN
    NEW.version := OLD.version;
    NEW.txid := OLD.txid;
    RETURN NEW;
  ELSE
    -- certificateHold and removeFromCRL alone can end.
    IF OLD.status = 1 AND coalesce(OLD.reason, 0) NOT IN (6, 8)
        AND (NEW.status <> 1 OR coalesce(NEW.reason, 0) IN (6, 8)) THEN
      RAISE EXCEPTION 'a revocation that is no certificateHold cannot be taken back (RFC 5280 section 5.3.1)'
        USING ERRCODE = 'check_violation';
    END IF;
    NEW.version := greatest(OLD.version + 1, now_version);
    NEW.txid := pg_current_xact_id();
  END IF;
  -- Wakes readers, once for the transaction.
  IF NEW.txid IS NOT NULL THEN PERFORM pg_notify('ocsp_status', ''); END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER ocsp_status_stamp BEFORE INSERT OR UPDATE ON ocsp_status
  FOR EACH ROW EXECUTE FUNCTION ocsp_status_stamp();

-- The key of a serial number in hexadecimal digits, as openssl x509 -serial prints it; with colons between bytes, after 0x,
-- after a minus sign, if it has them. For -n the key is 2^256 + n.
CREATE FUNCTION ocsp_serial(digits text) RETURNS bytea LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  bare text := replace(regexp_replace(digits, '^-?(0x)?', '', 'i'), ':', '');
  number bytea;
BEGIN
  IF digits !~* '^-?(0x)?([0-9a-f]+|[0-9a-f]{1,2}(:[0-9a-f]{2})+)$' THEN
    RAISE EXCEPTION 'not a serial number in hexadecimal digits: %', left(digits, 64)
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  number := ltrim(decode(repeat('0', length(bare) % 2) || bare, 'hex'), '\x00');
  IF octet_length(number) = 0 THEN RETURN '\x00'; END IF;
  IF digits NOT LIKE '-%' THEN
    IF octet_length(number) = 33 AND get_byte(number, 0) = 1 THEN
      RAISE EXCEPTION 'a serial number from 2^256 to 2^257, where keys of negative ones are: %', left(digits, 64)
        USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN number;
  END IF;
  IF octet_length(number) > 32 THEN
    RAISE EXCEPTION 'a negative serial number of more than 32 bytes: %', left(digits, 64)
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  RETURN '\x01' || decode(repeat('00', 32 - octet_length(number)), 'hex') || number;
END $$;

-- What the numbers of transactions are good for: after a crash, a fail-over or a restore some may be given out again. An unlogged
-- table is empty then, and whoever looks first makes a new mark.
CREATE UNLOGGED TABLE ocsp_incarnation (
  one bool PRIMARY KEY DEFAULT true CHECK (one),
  id uuid NOT NULL DEFAULT gen_random_uuid()
);

-- For readers, too, who may write nothing.
CREATE FUNCTION ocsp_incarnation() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM ocsp_incarnation) THEN
    INSERT INTO ocsp_incarnation DEFAULT VALUES ON CONFLICT DO NOTHING;
  END IF;
END $$;
