//! tests of the codecs, in words
