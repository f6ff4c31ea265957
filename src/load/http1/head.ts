import { COLON, CR, HTAB, LF, SP, TEXT, TOKEN } from './bytes.js';
import { FramingFields } from './fields.js';

/** Of one line of a head or trailer, or of the extensions of one chunk; bytes. */
export const LONGEST_LINE = 16 * 1024;
/** Of everything that is not body in one answer, interim answers and chunk extensions included; bytes. */
export const LONGEST_HEAD = 64 * 1024;

/** What follows is told apart by its own states. */
const VERSION = Buffer.from('HTTP/1.');
/** `HTTP/1.1 200` */
const STATUS_LENGTH = 12;

const FIELD_START = 0;
const FIELD_VALUE = 1;
const FRAMING_VALUE = 2;
const LINE_LF = 3;
const HEAD_LF = 4;
const REASON = 5;
const STATUS_END = 6;
const FIELD_NAME = 7;
const VERSION_TEXT = 8;
const VERSION_MINOR = 9;
const STATUS_SPACE = 10;
const STATUS_DIGITS = 11;
const COMPLETE = 12;

/** Reads the status line and the fields of a head, or the fields of a trailer, from pieces cut anywhere. */
export class HeadReader {
  readonly fields = new FramingFields();
  status = 0;
  /** Of the version: HTTP/1.`minor`. */
  minor = 0;
  /** What is wrong, once `read` has returned -1. */
  fault = '';
  #state = COMPLETE;
  #inTrailer = false;
  /** Position in the version text or the status digits. */
  #count = 0;
  #lineBytes = 0;
  #headBytes = 0;

  /** All of it has been read. */
  get complete(): boolean {
    return this.#state === COMPLETE;
  }

  /** Gets ready for the next answer's head. */
  startAnswer(): void {
    this.#headBytes = 0;
    this.startHead();
  }

  /** Gets ready for a further head of the same answer: both count against one limit. */
  startHead(): void {
    this.#state = VERSION_TEXT;
    this.#inTrailer = false;
    this.#count = 0;
    this.#lineBytes = 0;
    this.status = 0;
    this.fields.reset();
  }

  startTrailer(): void {
    this.#state = FIELD_START;
    this.#inTrailer = true;
    this.#lineBytes = 0;
  }

  /** Counts bytes against the limits of a line and of all that is not body. @returns false when they are exceeded. */
  spend(bytes: number): boolean {
    this.#lineBytes += bytes;
    this.#headBytes += bytes;
    return this.#lineBytes <= LONGEST_LINE && this.#headBytes <= LONGEST_HEAD;
  }

  endLine(): void {
    this.#lineBytes = 0;
  }

  /** Reads `buffer[from, to)` as far as the head goes. @returns where it stopped, -1 after a fault. */
  read(buffer: Buffer, from: number, to: number): number {
    const { fields } = this;
    let lineFrom = from;
    let at = from;
    let state = this.#state;
    if (state === VERSION_TEXT && this.#count === 0 && to - at >= STATUS_LENGTH && this.#wholeStatus(buffer, at)) {
      at += STATUS_LENGTH;
      state = STATUS_END;
    }
    while (at < to) {
      const octet = buffer[at++] as number;
      switch (state) {
        case FIELD_START:
          if (TOKEN[octet] === 1) {
            const nameFrom = at - 1;
            while (at < to && TOKEN[buffer[at] as number] === 1) at++;
            if (at < to && buffer[at] === COLON) {
              state = !this.#inTrailer && fields.wholeName(buffer, nameFrom, at) ? FRAMING_VALUE : FIELD_VALUE;
              at++;
            } else {
              fields.startName(octet);
              for (let next = nameFrom + 1; next < at; next++) fields.nameOctet(buffer[next] as number);
              state = FIELD_NAME;
            }
          } else if (octet === CR) state = HEAD_LF;
          else return this.#refuse(octet === SP || octet === HTAB ? 'folded field' : 'no field name');
          break;
        case FIELD_VALUE:
          if (TEXT[octet] === 1) {
            while (at < to && TEXT[buffer[at] as number] === 1) at++;
          } else if (octet === CR) state = LINE_LF;
          else return this.#refuse('control character in a field value');
          break;
        case FRAMING_VALUE:
          if (TEXT[octet] === 1) fields.valueOctet(octet);
          else if (octet === CR) {
            fields.endValue();
            state = LINE_LF;
          } else return this.#refuse('control character in a field value');
          if (fields.fault !== undefined) return this.#refuse(fields.fault);
          break;
        case LINE_LF:
          if (octet !== LF) return this.#refuse('CR without LF');
          if (!this.spend(at - lineFrom)) return this.#refuse('head too large');
          lineFrom = at;
          this.#lineBytes = 0;
          state = FIELD_START;
          break;
        case HEAD_LF:
          if (octet !== LF) return this.#refuse('CR without LF');
          if (!this.spend(at - lineFrom)) return this.#refuse('head too large');
          this.#state = COMPLETE;
          return at;
        case REASON:
          if (TEXT[octet] === 1) {
            while (at < to && TEXT[buffer[at] as number] === 1) at++;
          } else if (octet === CR) state = LINE_LF;
          else return this.#refuse('control character in the reason phrase');
          break;
        case STATUS_END:
          if (this.status < 100) return this.#refuse('status code below 100');
          if (octet === SP) state = REASON;
          else if (octet === CR) state = LINE_LF;
          else return this.#refuse('no blank after the status code');
          break;
        case FIELD_NAME:
          if (octet === COLON) state = !this.#inTrailer && fields.endName() ? FRAMING_VALUE : FIELD_VALUE;
          else if (TOKEN[octet] === 1) fields.nameOctet(octet);
          else return this.#refuse('no colon after a field name');
          break;
        case VERSION_TEXT:
          if (octet !== VERSION[this.#count]) return this.#refuse('no HTTP/1 status line');
          if (++this.#count === VERSION.length) state = VERSION_MINOR;
          break;
        case VERSION_MINOR:
          if (octet !== 48 && octet !== 49) return this.#refuse('neither HTTP/1.0 nor HTTP/1.1');
          this.minor = octet - 48;
          state = STATUS_SPACE;
          break;
        case STATUS_SPACE:
          if (octet !== SP) return this.#refuse('no blank after the version');
          this.#count = 0;
          state = STATUS_DIGITS;
          break;
        default:
          if (octet < 48 || octet > 57) return this.#refuse('no status code');
          this.status = this.status * 10 + (octet - 48);
          if (++this.#count === 3) state = STATUS_END;
      }
    }
    this.#state = state;
    return this.spend(at - lineFrom) ? at : this.#refuse('head too large');
  }

  #refuse(fault: string): -1 {
    this.fault = fault;
    this.#state = COMPLETE;
    return -1;
  }

  /** The usual start of an answer, in one piece. @returns false when it has to be read octet by octet. */
  #wholeStatus(buffer: Buffer, at: number): boolean {
    for (let index = 0; index < VERSION.length; index++) if (buffer[at + index] !== VERSION[index]) return false;
    const minor = (buffer[at + 7] as number) - 48;
    const hundreds = (buffer[at + 9] as number) - 48;
    const tens = (buffer[at + 10] as number) - 48;
    const ones = (buffer[at + 11] as number) - 48;
    if ((minor !== 0 && minor !== 1) || buffer[at + 8] !== SP) return false;
    if (hundreds < 0 || hundreds > 9 || tens < 0 || tens > 9 || ones < 0 || ones > 9) return false;
    this.minor = minor;
    this.status = hundreds * 100 + tens * 10 + ones;
    return true;
  }
}
