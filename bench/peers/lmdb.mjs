export async function createPeer(load) {
  const { open } = await load('lmdb');
  return {
    name: 'lmdb',
    async responseStore(path, records) {
      const database = open({ path, encoding: 'binary', keyEncoding: 'binary', compression: false });
      let done;
      let count = 0;
      for (const { serial, der } of records) {
        done = database.put(serial, der);
        count += 1;
        if (count % 10_000 === 0) await done;
      }
      await done;
      await database.flushed;
      return { get: (serial) => database.get(serial), close: () => database.close() };
    },
  };
}
