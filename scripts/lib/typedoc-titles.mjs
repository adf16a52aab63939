// A plugin of TypeDoc: a document is called by its heading, not by its file.
import { Converter } from 'typedoc';

export function load(app) {
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_context, document) => {
    const text = document.content.map((part) => part.text).join('');
    const [, title] = /^# (.*)$/m.exec(text) ?? [];
    if (title !== undefined) document.name = title.replaceAll('`', '');
  });
}
