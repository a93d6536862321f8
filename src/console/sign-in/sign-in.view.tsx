import { Field, FormError, PostForm, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';

export function SignInView({
  frame,
  next,
  email,
  problems,
}: {
  frame: Frame;
  next: string;
  email?: string;
  problems?: FormProblems;
}) {
  return (
    <Page title="Sign in" frame={frame}>
      <div class="narrow card">
        <h1>Sign in</h1>
        <p class="lead">
          Who holds which supplier credential, who can kill it, and who must be told by when.
        </p>
        <PostForm frame={frame} action="/sign-in">
          <FormError problems={problems} />
          <input type="hidden" name="next" value={next} />
          <Field
            name="email"
            label="E-mail address"
            type="email"
            required
            value={email ?? ''}
            problem={problems?.['email']}
            autocomplete="username"
          />
          <Field
            name="password"
            label="Password"
            type="password"
            required
            problem={problems?.['password']}
            autocomplete="current-password"
          />
          <p class="actions">
            <button type="submit">Sign in</button>
          </p>
        </PostForm>
      </div>
    </Page>
  );
}
