/** Now. Several peers write whatever fraction of a second a Date has, which RFC 5280 section 4.1.2.5.2 forbids. */
export const wholeSeconds = () => new Date(Math.floor(Date.now() / 1000) * 1000);
