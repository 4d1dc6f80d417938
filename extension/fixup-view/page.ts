/**
 * The page of the fixup view. Nothing runs in it but its own script, and nothing is fetched.
 */

export interface PageParts {
  /** Where the script is served. */
  readonly script: string;
  /** What the editor calls its own resources in a content-security policy. */
  readonly cspSource: string;
  /** Fresh for every page. */
  readonly nonce: string;
}

export function fixupPage({ script, cspSource, nonce }: PageParts): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="UTF-8">
  <meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'nonce-${nonce}'; style-src ${cspSource}; font-src ${cspSource}">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Fixup</title>
</head>
<body>
  <main><mcsafe-fixup></mcsafe-fixup></main>
  <script nonce="${nonce}" src="${script}"></script>
</body>
</html>
`;
}
