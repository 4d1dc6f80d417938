/**
 * Lines of output: the text of tokens, and where its characters come from.
 */
import type { SourcePosition } from '../../source.ts';
import { Line, pieceAt } from '../line.ts';
import type { Origin, PlaceMode } from '../line.ts';
import { positionOf, wouldPaste } from './token.ts';
import type { Token } from './token.ts';

/** Text made of tokens. */
class TokensOrigin implements Origin {
  private readonly starts: readonly number[];
  private readonly tokens: readonly Token[];

  constructor(starts: readonly number[], tokens: readonly Token[]) {
    this.starts = starts;
    this.tokens = tokens;
  }

  position(offset: number, mode: PlaceMode): SourcePosition {
    const piece = pieceAt(this.starts, offset);
    const token = this.tokens[piece]!;
    const spot = mode === 'spelling' ? token.spot : token.body;
    const within = spot === token.spot ? Math.min(Math.max(offset - this.starts[piece]!, 0), token.text.length) : 0;
    return positionOf(spot, within);
  }
}

/** A line of output made of `tokens`, with the blanks gcc would put between them. */
export function joinTokens(tokens: readonly Token[]): Line {
  let text = '';
  const starts: number[] = [];
  let previous: Token | undefined;
  for (const token of tokens) {
    if (token.space || (token.edge && previous !== undefined && wouldPaste(previous, token))) text += ' ';
    starts.push(text.length);
    text += token.text;
    previous = token;
  }
  return new Line(text, new TokensOrigin(starts, tokens));
}

