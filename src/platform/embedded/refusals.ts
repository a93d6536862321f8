import { Refused, refusal } from '../../kernel/errors.ts';

export const DATA_VARIABLE = 'COUNTERSIGN_DATA';

/** A start that cannot succeed until somebody mends something outside of us. */
export function refuse(code: string, field: string, problem: string, mend: string): Refused {
  const message = `The embedded database cannot be used: ${problem}. ${mend}`;
  return new Refused(refusal('unavailable', code, message, { fields: [{ field, problem, mend }] }));
}

/** Turns what the file system said into a refusal that names the folder; anything unknown passes through unchanged. */
export function refusedByFileSystem(thrown: unknown, folder: string): unknown {
  switch ((thrown as NodeJS.ErrnoException | null)?.code) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return refuse(
        'data-folder-not-writable',
        DATA_VARIABLE,
        `the folder ${folder} cannot be written`,
        `Give this account write access to it, or set ${DATA_VARIABLE} to a folder that it may write.`,
      );
    case 'ENOTDIR':
    case 'EEXIST':
      return refuse(
        'data-folder-not-a-folder',
        DATA_VARIABLE,
        `${folder}, or something above it, is a file`,
        `Set ${DATA_VARIABLE} to a folder.`,
      );
    case 'ENOSPC':
    case 'EDQUOT':
      return diskFull(folder);
    default:
      return thrown;
  }
}

export function diskFull(folder: string): Refused {
  return refuse(
    'disk-full',
    DATA_VARIABLE,
    `no space is left on the disk of ${folder}`,
    `Free some space, or set ${DATA_VARIABLE} to a folder on another disk.`,
  );
}

export function wrongOwner(folder: string, owner: number): Refused {
  return refuse(
    'data-folder-wrong-owner',
    DATA_VARIABLE,
    `${folder} belongs to user id ${owner}, whom this process can neither be nor become`,
    owner === 0
      ? `Postgres never runs as root: hand the folder over (chown -R to the account that ran it), or set ${DATA_VARIABLE} to another folder.`
      : `Start as that user, or set ${DATA_VARIABLE} to a folder of your own.`,
  );
}

/** What Postgres itself wrote when it would not start, said in terms of what to do. */
export function refusedByPostgres(log: string, place: string, logFile: string): Refused {
  if (/No space left on device|Disk quota exceeded/i.test(log)) return diskFull(place);
  if (/has wrong ownership|must be owned by/i.test(log)) {
    return refuse(
      'data-folder-wrong-owner',
      DATA_VARIABLE,
      `${place} belongs to another user`,
      `Start as that user, or set ${DATA_VARIABLE} to a folder of your own.`,
    );
  }
  if (/database files are incompatible with server|not compatible with this version/i.test(log)) {
    return refuse(
      'data-folder-other-version',
      DATA_VARIABLE,
      `${place} was written by another major version of Postgres`,
      `Start the release that wrote it and export from there, or set ${DATA_VARIABLE} to an empty folder.`,
    );
  }
  if (/Permission denied/i.test(log)) {
    return refuse(
      'data-folder-not-writable',
      DATA_VARIABLE,
      `Postgres may not enter or write ${place}`,
      `Give its account access, or set ${DATA_VARIABLE} to another folder.`,
    );
  }
  if (/could not look up effective user ID/i.test(log)) {
    return refuse(
      'account-without-name',
      'DATABASE_URL',
      `this process runs as user id ${process.getuid?.()}, which has no entry in /etc/passwd, and Postgres wants a name`,
      'Start as an account that has one, or set DATABASE_URL to a Postgres of your own.',
    );
  }
  const last = log.trim().split('\n').slice(-3).join(' | ') || 'it wrote nothing';
  return refuse(
    'postgres-did-not-start',
    DATA_VARIABLE,
    `Postgres did not start: ${last}`,
    `See ${logFile}.`,
  );
}
