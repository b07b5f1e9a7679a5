'use strict';
// Interaction with a report; the page is whole without it.
document.documentElement.classList.add('with-script');
